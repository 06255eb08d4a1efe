# nghttp2: requests
block 42074f5054494f4e538741882f91d35d055c87a7048d61c6fda5af1154e1906998ecf740027465864d833505b11f0f1a8efe4a3204816a564057c8d909fcff901f118b1c05eed3f3780dac54fb5f7aadd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d70740884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2fac00f4084f2b09ded8991f1cbec6c37debb4b4086f2b169ad3ebf0040899acac8b24d494f6a7f02326d
:method: OPTIONS
:scheme: https
:authority: example.com
:path: /65zt4w_n6isig/q8
te: trailers
if-none-match: "eac1c14f30e9c5cc"
accept-encoding: gzip, deflate
cookie: a=ev49gw1u/n94
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203339-01
x-27q: d9afza/5vpue
x-empty: 
grpc-timeout: 2m
block 8287c4049d61f8902957f56ad5a28a68231d9a2ca6e8495ef6ed8ed754408ac137e3
:method: GET
:scheme: https
:authority: example.com
:path: /9_s2f.yu-pslmlc/q4efijcf8z7r7pn_0_r25w
block 8286418ff1e3c2e5f23a6ba0ab9ec9ae3c07810491618478898327d0251af4f7eb59c5e9601353032a2f2a90c47f04a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb322c00f7f0202366dc7c34084f2b09d6f897d7191bb52cc80a5ff1f11861c1d445edd7f5f8b1d75d0620d263d4c4d6564
:method: GET
:scheme: http
:authority: www.example.org:8080
:path: //sw_/ity0fa.mvkpo2y-0c
accept: */*
accept-encoding: gzip, deflate
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333d-01
grpc-timeout: 6m
te: trailers
x-empty: 
x-275: 9.ac5ut3d0m9
cookie: a=k2eqk
content-type: application/grpc
block 8286ca049e6294d944cd7b963b053f633be27e96464255d9fb7cac45db643e5ea2af5f4084f2b3e647899daae44d0e953efba7
:method: GET
:scheme: http
:authority: example.com
:path: /mtrlg4zfbr2hqi7whjrbccnq9ux-c.531x8lny
x-9is: h4pdtl7etzvt
block cc87c4048661a9db0913df
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: /4h51ctv
block cc87cb0488619f2e7a75c22d2fc6bf907f03a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb225801f60aa1c1521e5c0d7a5e23c63a12e2ddbb95bec907af52753568ef211a0746d797a78011867d3324cd748c8bf4084f2b306b78a99ff14fa6e7918658effccc60f1a8efe432c8c8e503a371e6db79b77f9cd
:method: OPTIONS
:scheme: https
:authority: example.com
:path: /3x6y76c-f
x-empty: 
content-type: application/grpc
accept-encoding: gzip, deflate
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01
cookie: a=ns8.04y._obalt6-qve5qt0yydkipsvdc40j5.fjw0c/3y3dg4jbc.
x-/iu: g9wmy5hd/3/v
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
accept: */*
if-none-match: "1fd3af07a6855857"
te: trailers
block cf87ce04032f6335cd7f0502346d
:method: OPTIONS
:scheme: https
:authority: example.com
:path: /c5
te: trailers
grpc-timeout: 4m
block 8286c80491600432f1fb294c04be0e91053e25ac5e5dcecac7cd60a81c0305a2abca1a9689ac9df5fa0bdd000d15b3ddde9e1995aa903130c8ea4ce9797e816a56cef7bf907f0002306dc57f04a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb245801f0f1a8efe64941238c802d3cf106468bfcf
:method: GET
:scheme: http
:authority: www.example.org:8080
:path: /0ci.bzeei0t90j_1twfp2x7
te: trailers
x-empty: 
accept: */*
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
cookie: a=a0u2nxs4flgrh9.j2zl01lp3v7jw3f4nsa2/3antht8.j14f5o8z
accept-encoding: gzip, deflate
grpc-timeout: 0m
content-type: application/grpc
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333c-01
if-none-match: "df0d6301488cac4e"
block 8287cb048e61d32ced4f4c07bdd8817958dd67d160a81c113267d3e1a054d36e5adc824f46e462a8fc35ec6e965f63f249d81d883f45914cc167bfaebdff0f1a8efe631c8c842e46e331bc379f77f9
:method: GET
:scheme: https
:authority: www.example.org:8080
:path: /7i-7n8g08zrs2x-ikh
te: trailers
cookie: a=_3i9tw40n456u5d2tj5d/nbw4za7efzaxch/arsoj-smg13vykv
if-none-match: "bad3116b63b8a897"
block d486d30485628f32507f90
:method: OPTIONS
:scheme: http
:authority: example.com
:path: /lxdlo
accept-encoding: gzip, deflate
block 8287d3049561ff64a2b6ce6b3c5a199f430f528138bb2f76b0ff0f1a8efe637c9215c0107184ae3afb5fcfd2c7c060bb1c13500aea40de70324feac9d6f077907acaea6d3f969117530df72df31466f7d2870a6a9b5aaacc7f5e1788cdccc46eafe1b65233bfd5b69eb65fcc90d27f01a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2cac00fd0
:method: GET
:scheme: https
:authority: example.com
:path: /9zclp5oirwu1g9s/8ms26.38qro
if-none-match: "b9cde60cab1e6794"
te: trailers
content-type: application/grpc
grpc-timeout: 0m
cookie: a=gl0pnsa861dhyrh-wo8sope7tuox4s_kia96ux_bizjl6ein5-npioyw._i5g/b7.w53tao9k548uf
accept: */*
accept-encoding: gzip, deflate
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203333-01
x-empty: 
block 8287d504022f70d0cd1f11961c16964f0135420f4f09a3b83d0c1d9e79922d383d7590c97ea7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb205801f
:method: GET
:scheme: https
:authority: example.com
:path: /p
x-empty: 
accept: */*
cookie: a=uedw1in21jwtlv0ya0q883c-h0yk
accept-encoding: gzip, deflate
content-type: application/grpc
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203330-01
block d786d60499625f08e8cd6e78ebefbd8dfb1a5d43ed11e59fec467dcfefc70f1a8efe6379b75d69d7864784dbc17bf97f0402376d904084f2b768918aa9d77bfaed54eb77ae2f1f11831c1613d3d6cc
:method: OPTIONS
:scheme: http
:authority: example.com
:path: /fwsj3p6wkzvr5zat7s94c8-9qc3zhzw
if-none-match: "b8577478ac825818"
grpc-timeout: 7m
accept-encoding: gzip, deflate
x-q_s: n77vyqnh-vp_
cookie: a=rc
x-empty: 
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
content-type: application/grpc
block 8387d1049061bf6b87a8fa2c411bb8daecc5257c3fd390ccc77f01a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2dac00f
:method: POST
:scheme: https
:authority: www.example.org:8080
:path: /5z.1kaj-c2iva4q/me91
x-empty: 
accept-encoding: gzip, deflate
content-type: application/grpc
grpc-timeout: 4m
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203335-01
block da86d90485616f1e465f
:method: OPTIONS
:scheme: http
:authority: example.com
:path: /-wxae
block 8286d20483613ea40f1a8efe5c75b900f36d8a46db7c047ff9d7d31f11881c00905e1763b2567ea7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb31ac00fced94084f2b320a38a8d9ed4fa2f89a78fc47fd6
:method: GET
:scheme: http
:authority: www.example.org:8080
:path: /tyd
if-none-match: "675d08552d5590c9"
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
grpc-timeout: 2m
cookie: a=0d2w./qt-
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333b-01
content-type: application/grpc
te: trailers
x-30l: b3qmyewghbwb
x-empty: 
block dc87db049b62697bf899a27475041faefd5fe9d68eb5b1de36bd90f5a3bf5aff7f00a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2eac00fd4900f1a8efe5975d75975d13c27e52bb18ff9d07f0402356d4084f2b493ad8a63a74f51802b77acde7fdc
:method: OPTIONS
:scheme: https
:authority: example.com
:path: /gfvwg4cj7scayvk9jklkp/vb4zcopsvkp
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203337-01
accept: */*
accept-encoding: gzip, deflate
if-none-match: "37773772829fe7ba"
content-type: application/grpc
grpc-timeout: 5m
x-dh-: /jjyb01-vpix
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
block df86d7049360feeb6bdc45ed63be5e8d761aaec2316fb99ecbd9d20f1a8efe4428d9215969e71d1b4323ffcf60a81c1183d86665767af5eed03ac48727f3e3a7869d929ed4456a3d110f8480b3d55e0c69d8f1d630ffddde
:method: OPTIONS
:scheme: http
:authority: www.example.org:8080
:path: /ozp4z_eqr7x8b./4prc/uzg8
grpc-timeout: 0m
x-empty: 
content-type: application/grpc
if-none-match: "22b3ce34867a4ac9"
cookie: a=b0z1g3.3kkv40k_s6hxwjw47dmql_usycs91c0rynwiih/wkb1
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
block 8287d8049b63a7a7d35faf1e9a712004dd3a0e25dd9aa5d7727b18ebea520e7f60a01c130bcc5d9b3f57df2b9d63eae817a85efb4711bd7512d27a962f7dcee3246bd8
:method: GET
:scheme: https
:authority: www.example.org:8080
:path: /jy9tpywy46t00gjja_.7gn..6hr/kyfcah
cookie: a=g2x_q5ok99e6kbk70.n2zqb_iyk2-dyf_zvo63c4
accept: */*
block e186d9049760f3a3a7998d21a27e9193dbebb7334ff8ef30eb3b69b3dedf0f1a8efe445686e15d782495a1bc593f9f4084f2b4ad5b89f670c8b1012f6a6da3dc
:method: OPTIONS
:scheme: http
:authority: www.example.org:8080
:path: /ohsjxgidi_9macz9.5g49wvgapo5tr
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
if-none-match: "2e4a6e781cf4a8ed"
x-f4u: zo1d-c0fqmul
x-empty: 
block 8286e10485619a46eb1f4084f2b3fec589386becd35d0e24796fda
:method: GET
:scheme: http
:authority: example.com
:path: /3ma7/
x-9z2: o1pq44jo2sx5
accept: */*
block 8286e20491609dd8eacfaa40dd3d7dc9ddda6da1d797ddd6da
:method: GET
:scheme: http
:authority: example.com
:path: /cv/k3ym05mkzdv7mul78.
x-empty: 
content-type: application/grpc
accept: */*
block 8387e2049a61a0dbea39c2b9ba47386b259dbd4fe11e58a5e7a4eee3e3eadf7f05a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2f2c00f
:method: POST
:scheme: https
:authority: example.com
:path: /41uybh1.ijbh1pcrqyhwsx/m88dv69ak5
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203338-01
block e486e3049c619b68456141231d85b6d7d1256e9bb2f27a05911fb5af3629c3e7af0f1a8efe4a17a47df21440946d92467f9f90e2d77ea7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb215801f7f0602386de34084f2b743a78ae943fd9e8e8383ad6fff1f11971c0d7a8eb953350610fcba09ddadb459ec2d49d5df14d7
:method: OPTIONS
:scheme: http
:authority: example.com
:path: /3ulsp1scbareuu9sdp7iq.dy0r_oqu852h1xk
if-none-match: "e18d99ce20fa5cd3"
accept-encoding: gzip, deflate
te: trailers
content-type: application/grpc
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
grpc-timeout: 8m
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
x-jot: jl9q8blo0kp9
cookie: a=4ybpftgli2ax70h7p5srz14dk7wmp
block e786df049a61d6e634af0e51d7ec5603c7bec5eb157512470a2ac465dc40ffe0e1dae40f1a8efe44474027c017caccad4a16ff9fca60a41c1e52e76346d52bfbeed2446691dfc2febdc5edc4ad5d21abb39d5c32eebce35dfb053f4084f2b32ec989a7b3258e95e6ec3aa890e7
:method: OPTIONS
:scheme: http
:authority: www.example.org:8080
:path: /75gif8afapz2r0wzqek_pncd6e2p2i.6sa
grpc-timeout: 2m
x-empty: 
content-type: application/grpc
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
if-none-match: "2c7029019e3f4f15"
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333b-01
cookie: a=xt6qib4m.zv4t2i4svw.yz_z6t-pm1nq6k6i.7864vq1t
x-37d: mq3ebm.gqanl
accept-encoding: gzip, deflate
te: trailers
block 8287e1049363c4b10678e81aef59e2af54db450df462273fdc1f1102613de3de904084f2b4815f89219c9409eec5327737e7e80f1a8efe651bf290a42b602c8e0e517f3fcb
:method: GET
:scheme: https
:authority: www.example.org:8080
:path: /wf_1hbla.8rwnymull5j/_6
content-type: application/grpc
cookie: a=
x-empty: 
grpc-timeout: 6m
accept-encoding: gzip, deflate
x-d1.: ci6f0tv/mdvi
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
if-none-match: "fa9fcece50ed6af2"
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203337-01
block ea87e2048861701a78a7a1a44d
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: /.0ih_hl4sg
block 8286e9048f63a7470d3f71dbd3bc4597cd5d85dfe460b51c0ecb2da2f5ede69f0ba53f4f6e5bd0bd3a13d2d395db164f86bdc56b0cb9e0ee13d79eee0eb58ad4fe42c56f46eb93916f04f347e9e8d14084f2b77b1b8a6803adaf1d48d3bd7d7fdfe3907f06a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb32ac00f
:method: GET
:scheme: http
:authority: example.com
:path: /jj6ihvaujv_efxnq2v
x-empty: 
cookie: a=7ffu2yz84917eojz6ujejjcy-he7r-tw4z_u/36wo6cyxv6ap-e4hx1/p8b76hc-wcxl
te: trailers
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
grpc-timeout: 7m
x-vr5: 40ap4wkc47ky
content-type: application/grpc
accept: */*
accept-encoding: gzip, deflate
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333f-01
block ed86e5049562bf3e915d5dab7a2f2cd6bf763a5b5f4ecfd0f2ffeb90e70f1a8efe45281d65b0b857861689233fcf4084f2b4649b894cb17b32cc3b4d88eb60b01c1550bf85eb95e6ea47ab1ca7c02d8c94d2bf57d997b3886c16fa92793bf5b187c497c0d793cb2cae47139dd7996aff7f01a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb255801fe7e3
:method: OPTIONS
:scheme: http
:authority: www.example.org:8080
:path: /pxyspnqp8_x3p.v/jupjq9l8.
te: trailers
accept-encoding: gzip, deflate
x-empty: 
if-none-match: "2f073516e8a14cd3"
x-bcg: tf_zi-/7mrsk
cookie: a=nl.w.pf85nsyr6mw0ubcmm.k93fq6s50uydhdvkr/92t904xofff6b_6v.g-p
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333e-01
accept: */*
content-type: application/grpc
block 8287ef048a6228fc3cd1ac958b173fee90e7e30f1a8efe4adb8369d2bad0a57821139fcfea7ea7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2d2c00fee
:method: GET
:scheme: https
:authority: example.com
:path: /_bw84irf/r.o
te: trailers
accept-encoding: gzip, deflate
accept: */*
content-type: application/grpc
if-none-match: "e56a47e742f81126"
x-empty: 
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203334-01
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
block f187f0049a616e844b02756054cd5ee599ef73b8cf52527ae65fd00afd4ed3ef1f118a1c14cce197a5f59d603f
:method: OPTIONS
:scheme: https
:authority: example.com
:path: /-jct/27-0n3nzfg8zh63kcmopg.y0e9n7m
te: trailers
cookie: a=mg6i.m9-7/1
block 8387e9048f6256276fcb0c4a7302b8db47477cf4e8eb4084f2b4d3378aadd24714acf68bb3febf90f07f0b02316d0f1a8efe59248218e4784fbee95e7dffe7f07f01a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb235801f60a01c05f34d28743ebd93a08a8e8ed2bb7e3a45d160f6aa7ea613c1a08969697cff
:method: POST
:scheme: https
:authority: www.example.org:8080
:path: /f/h5x//foi0pb5sj7xj
accept: */*
x-empty: 
x-gg5: p7cb_f3q_q9y
accept-encoding: gzip, deflate
te: trailers
grpc-timeout: 1m
if-none-match: "3cd2aad82997e899"
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333a-01
cookie: a=exmms71yzcj2esj7m.5wj_j-1qnhki281lct4-fx
block 8286f40484626b26b30f1a8efe4a571e2b40708ebcd34fbf27f3ec
:method: GET
:scheme: http
:authority: example.com
:path: /grgr
if-none-match: "ee68e406c784499d"
accept: */*
block f587f4049160210798a695f11a61bbe9aafdcc0910bf
:method: OPTIONS
:scheme: https
:authority: example.com
:path: /110x_gf92iga7y4pzg0ds.
block 8287f4049362aede8ecaee3fe6808e202e747872d699ede3d9
:method: GET
:scheme: https
:authority: example.com
:path: /nqyo3.69xl1a_0.osw6u43qw
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203335-01
block f587f4048a6184004e20a497c7a07f4084f2b50d97899a85c87a06e843423ff3901f119c1c0dfb7c61437d3d87dc4ba5a7fca41175f040884929fb9fd46c77e9
:method: OPTIONS
:scheme: https
:authority: example.com
:path: //s026secfwy0
x-l5e: gl.cola711ls
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
accept-encoding: gzip, deflate
cookie: a=5z9a1s5jz1z_.t49xt0_kwc122teovoyb/vj
block 8287ee048f613ec9159dd92c883b297eaf45093f4084f2b7976d8a7d67bda6b5a5e8bfbf3fe3f40f1a8efe5a79f8df18198c8cb6d3c46ff91f11a41c03426419182745fab52c468df34c52af3d33361967684e757a63790b8695c23f5cdebf
:method: GET
:scheme: https
:authority: www.example.org:8080
:path: /tzc_rv3edso3t9nye1c
x-x7u: 9-8ztp-fj.zx
grpc-timeout: 0m
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
if-none-match: "489b9a03bc3548c5"
cookie: a=astdac/cj.k4f_ib9igee.hmg51fh426k8gix16if6c9pgy
block 8286f6048661b68d676313f5f14084f2b756e98959888a0413b0e35faf0f1a8efe44403a1289d6da6d970918ff9ff5f1
:method: GET
:scheme: http
:authority: example.com
:path: /54irqic
te: trailers
x-empty: 
x-k5m: -/_e0scqab.k
if-none-match: "2c071e2754536cba"
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
grpc-timeout: 2m
block 8287f0049e618efe3ccf183cd0d1fd2e3a586c1efaf40fa155d8bd561a689ba76a3dffe660a01c0f05b667ecbdbdbb23d2ee46db8e521b0048c0fcb6471b7e9ef0fb4e89f6a290f3ef4084f2b51147895fc549094f3755d93740027465864d833505b11f
:method: GET
:scheme: https
:authority: www.example.org:8080
:path: //vwxhb0xl4oy.am/50zkj1y2nqek-atlgjqlz
grpc-timeout: 4m
cookie: a=8153hq.uqqsy.6b566m1r0cb09frbb5y8w947294_
accept-encoding: gzip, deflate
x-empty: 
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333d-01
x-l_b: .wnt1eogk.3i
te: trailers
block 8286f3049963b7b797992670dd0bde9246db4559d90ccac65bb4a9f0667feedb7aadd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d707bff6
:method: GET
:scheme: http
:authority: www.example.org:8080
:path: /qz8.gti6ijevmcb54e-7di3-i-qftwi3
content-type: application/grpc
grpc-timeout: 5m
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
x-empty: 
