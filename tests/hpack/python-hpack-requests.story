# python-hpack: requests
block 4287d5af7e4d5a777f8741882f91d35d055c87a7448d61c6fda5af1154e1906998ecf74082497f864d833505b11f698efe4a3204816a564057c8d909fcff90608b1c05eed3f3780dac54fb5f7aadd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d70740884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2fac00f4084f2b09ded8991f1cbec6c37debb4b4086f2b169ad3ebf8040899acac8b24d494f6a7f82153f
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
block 8287c7449d61f8902957f56ad5a28a68231d9a2ca6e8495ef6ed8ed754408ac137e3
:method: GET
:scheme: https
:authority: example.com
:path: /9_s2f.yu-pslmlc/q4efijcf8z7r7pn_0_r25w
block 8286418ff1e3c2e5f23a6ba0ab9ec9ae3c07814491618478898327d0251af4f7eb59c5e960135383f963e790c67f06a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb322c00f7f0482729fcbc54084f2b09d6f897d7191bb52cc80a5ff60861c1d445edd7f5f8b1d75d0620d263d4c4d6564
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
block 8286d044272f6d74726c67347a666272326871693777686a726263636e713975782d632e35333178386c6e794005782d3969730c68347064746c3765747a7674
:method: GET
:scheme: http
:authority: example.com
:path: /mtrlg4zfbr2hqi7whjrbccnq9ux-c.531x8lny
x-9is: h4pdtl7etzvt
block d387c744082f34683531637476
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: /4h51ctv
block d487d3440a2f337836793736632d66ccc2907f073730302d30616637363531393136636434336464383434386562323131633830333139632d623761643662373136393230333333322d30316038613d6e73382e3034792e5f6f62616c74362d717665357174307979646b69707376646334306a352e666a7730632f3379336467346a62632e4005782d2f69750c6739776d793568642f332f76d2ca6912223166643361663037613638353538353722d6
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
block d987d84483608dffd77f0b826a9f
:method: OPTIONS
:scheme: https
:authority: example.com
:path: /c5
te: trailers
grpc-timeout: 4m
block 8286cf44182f3063692e627a656569307439306a5f3174776670327837d9d3ced66036613d613075326e787334666c677268392e6a327a6c30316c703376376a773366346e7361322f33616e746874382e6a313466356f387a907f0102306dcb7f073730302d30616637363531393136636434336464383434386562323131633830333139632d623761643662373136393230333333632d30316912226466306436333031343838636163346522
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
block 8287d4448e61d32ced4f4c07bdd8817958dd67de60a81c113267d3e1a054d36e5adc824f46e462a8fc35ec6e965f63f249d81d883f45914cc167bfaebdff698efe631c8c842e46e331bc379f77f9
:method: GET
:scheme: https
:authority: www.example.org:8080
:path: /7i-7n8g08zrs2x-ikh
te: trailers
cookie: a=_3i9tw40n456u5d2tj5d/nbw4za7efzaxch/arsoj-smg13vykv
if-none-match: "bad3116b63b8a897"
block e386e24485628f32507f90
:method: OPTIONS
:scheme: http
:authority: example.com
:path: /lxdlo
accept-encoding: gzip, deflate
block 8287e3449561ff64a2b6ce6b3c5a199f430f528138bb2f76b0ff698efe637c9215c0107184ae3afb5fcfe3d3c660bb1c13500aea40de70324feac9d6f077907acaea6d3f969117530df72df31466f7d2870a6a9b5aaacc7f5e1788cdccc46eafe1b65233bfd5b69eb65fd990e17f07a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2cac00fdf
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
block 8287e7448262bfe0db1f11961c16964f0135420f4f09a3b83d0c1d9e79922d383d7590d67f00a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb205801f
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
block ea86e944202f6677736a337036776b7a7672357a61743773393463382d397163337a687a7769122262383537373437386163383235383138227f0d02376d904005782d715f730c6e37377679716e682d76705f6004613d7263e6e9dc
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
block 8387e3449061bf6b87a8fa2c411bb8daecc5257c3fe790ddd37f05a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2dac00f
:method: POST
:scheme: https
:authority: www.example.org:8080
:path: /5z.1kaj-c2iva4q/me91
x-empty: 
accept-encoding: gzip, deflate
content-type: application/grpc
grpc-timeout: 4m
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203335-01
block f186f04485616f1e465f
:method: OPTIONS
:scheme: http
:authority: example.com
:path: /-wxae
block 8286e64483613ea4698efe5c75b900f36d8a46db7c047ff9eeea60881c00905e1763b2567f03a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb31ac00fe3f34084f2b320a38a8d9ed4fa2f89a78fc47fee
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
block f787f6449b62697bf899a27475041faefd5fe9d68eb5b1de36bd90f5a3bf5aff7f01a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2eac00feb90698efe5975d75975d13c27e52bb18ff9e77f0c826e9f4084f2b493ad8a63a74f51802b77acde7ff6
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
block fc86f0449360feeb6bdc45ed63be5e8d761aaec2316fb99eddf4ea698efe4428d9215969e71d1b4323ffcf60a81c1183d86665767af5eed03ac48727f3e3a7869d929ed4456a3d110f8480b3d55e0c69d8f1d630fff9fc
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
block 8287f3449b63a7a7d35faf1e9a712004dd3a0e25dd9aa5d7727b18ebea520e7f60a01c130bcc5d9b3f57df2b9d63eae817a85efb4711bd7512d27a962f7dcee3246bf3
:method: GET
:scheme: https
:authority: www.example.org:8080
:path: /jy9tpywy46t00gjja_.7gn..6hr/kyfcah
cookie: a=g2x_q5ok99e6kbk70.n2zqb_iyk2-dyf_zvo63c4
accept: */*
block 4287d5af7e4d5a777f86f6449760f3a3a7998d21a27e9193dbebb7334ff8ef30eb3b69b37aadd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d7074082497f864d833505b11f698efe445686e15d782495a1bc593f9f4084f2b4ad5b89f670c8b1012f6a6da34086f2b169ad3ebf80
:method: OPTIONS
:scheme: http
:authority: www.example.org:8080
:path: /ohsjxgidi_9macz9.5g49wvgapo5tr
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
if-none-match: "2e4a6e781cf4a8ed"
x-f4u: zo1d-c0fqmul
x-empty: 
block 828641882f91d35d055c87a74485619a46eb1f4084f2b3fec589386becd35d0e24796ffd
:method: GET
:scheme: http
:authority: example.com
:path: /3ma7/
x-9z2: o1pq44jo2sx5
accept: */*
block 8286c04491609dd8eacfaa40dd3d7dc9ddda6da1d797c2f95383f963e7
:method: GET
:scheme: http
:authority: example.com
:path: /cv/k3ym05mkzdv7mul78.
x-empty: 
content-type: application/grpc
accept: */*
block 8387c2449a61a0dbea39c2b9ba47386b259dbd4fe11e58a5e7a4eee3e3eadf7f14a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2f2c00f
:method: POST
:scheme: https
:authority: example.com
:path: /41uybh1.ijbh1pcrqyhwsx/m88dv69ak5
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203338-01
block cb86c4449c619b68456141231d85b6d7d1256e9bb2f27a05911fb5af3629c3e7af698efe4a17a47df21440946d92467f9f90ca5f8b1d75d0620d263d4c4d65647f02a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb215801f7f17827a9fce4084f2b743a78ae943fd9e8e8383ad6fff1f11971c0d7a8eb953350610fcba09ddadb459ec2d49d5df14d7
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
block d186418ff1e3c2e5f23a6ba0ab9ec9ae3c0781449a61d6e634af0e51d7ec5603c7bec5eb157512470a2ac465dc40ff7f0282153fcec4d2698efe44474027c017caccad4a16ff9fe160a41c1e52e76346d52bfbeed2446691dfc2febdc5edc4ad5d21abb39d5c32eebce35dfb053f4084f2b32ec989a7b3258e95e6ec3aa890d4
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
block 8287c3449363c4b10678e81aef59e2af54db450df462273fc860821c1fd37f0482729f904084f2b4815f89219c9409eec5327737d9d8698efe651bf290a42b602c8e0e517f3fe5
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
block dc87c8440b2f2e3069685f686c347367
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: /.0ih_hl4sg
block 8286d6448f63a7470d3f71dbd3bc4597cd5d85dfd860b51c0ecb2da2f5ede69f0ba53f4f6e5bd0bd3a13d2d395db164f86bdc56b0cb9e0ee13d79eee0eb58ad4fe42c56f46eb93916f04f347dcddf44084f2b77b1b8a6803adaf1d48d3bd7d7fd0d5907f10a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb32ac00f
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
block e186cd449562bf3e915d5dab7a2f2cd6bf763a5b5f4ecfd0f2ffdf90dc698efe45281d65b0b857861689233fcf4084f2b4649b894cb17b32cc3b4d88eb60b01c1550bf85eb95e6ea47ab1ca7c02d8c94d2bf57d997b3886c16fa92793bf5b187c497c0d793cb2cae47139dd7996aff7f03a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb255801fdbd6
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
block 8287df448a6228fc3cd1ac958b173fe490dcd7698efe4adb8369d2bad0a57821139fcfe27f01a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2d2c00fe7
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
block e987e2449a616e844b02756054cd5ee599ef73b8cf52527ae65fd00afd4ed3e7608a1c14cce197a5f59d603f
:method: OPTIONS
:scheme: https
:authority: example.com
:path: /-jct/27-0n3nzfg8zh63kcmopg.y0e9n7m
te: trailers
cookie: a=mg6i.m9-7/1
block 8387d7448f6256276fcb0c4a7302b8db47477cf4e1e64084f2b4d3378aadd24714acf68bb3febf90ea7f12820d3f698efe59248218e4784fbee95e7dffe7ed7f05a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb235801f60a01c05f34d28743ebd93a08a8e8ed2bb7e3a45d160f6aa7ea613c1a08969697cff
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
block 8286ea4484626b26b3698efe4a571e2b40708ebcd34fbf27f3e8
:method: GET
:scheme: http
:authority: example.com
:path: /grgr
if-none-match: "ee68e406c784499d"
accept: */*
block f387ec44172f313130785f67663932696761377934707a673064732e
:method: OPTIONS
:scheme: https
:authority: example.com
:path: /110x_gf92iga7y4pzg0ds.
block 8287ed449362aede8ecaee3fe6808e202e747872d699ede37f04a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2dac00f
:method: GET
:scheme: https
:authority: example.com
:path: /nqyo3.69xl1a_0.osw6u43qw
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203335-01
block f687ef440d2f2f73303236736563667779304005782d6c35650c676c2e636f6c613731316c73f6901f1126613d357a39613173356a7a317a5f2e7434397874305f6b776331323274656f766f79622f766a
:method: OPTIONS
:scheme: https
:authority: example.com
:path: //s026secfwy0
x-l5e: gl.cola711ls
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
accept-encoding: gzip, deflate
cookie: a=5z9a1s5jz1z_.t49xt0_kwc122teovoyb/vj
block 8287e444142f747a635f7276336564736f3374396e796531634005782d7837750c392d387a74702d666a2e7a787f0b02306df969122234383962396130336263333534386335221f1131613d6173746461632f636a2e6b34665f696239696765652e686d67353166683432366b3867697831366966366339706779
:method: GET
:scheme: https
:authority: www.example.org:8080
:path: /tzc_rv3edso3t9nye1c
x-x7u: 9-8ztp-fj.zx
grpc-timeout: 0m
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
if-none-match: "489b9a03bc3548c5"
cookie: a=astdac/cj.k4f_ib9igee.hmg51fh426k8gix16if6c9pgy
block 8286f5448661b68d676313faf74084f2b756e98959888a0413b0e35faf698efe44403a1289d6da6d970918ff9ffde9
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
block 8287eb449e618efe3ccf183cd0d1fd2e3a586c1efaf40fa155d8bd561a689ba76a3dff7f04826a9f60a01c0f05b667ecbdbdbb23d2ee46db8e521b0048c0fcb6471b7e9ef0fb4e89f6a290fc7f0ba7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb322c00f4084f2b51147895fc549094f3755d9374082497f864d833505b11f
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
block 8286f1449963b7b797992670dd0bde9246db4559d90ccac65bb4a9f0667ff67f04826e9f7aadd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d707c14086f2b169ad3ebf80
:method: GET
:scheme: http
:authority: www.example.org:8080
:path: /qz8.gti6ijevmcb54e-7di3-i-qftwi3
content-type: application/grpc
grpc-timeout: 5m
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
x-empty: 
