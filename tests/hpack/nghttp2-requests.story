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
block cc87c4048661a9db0913dfc590c660b81c1ea52cb49e4f439bdbeea04dc55065f27ed1750d3e272c6e8a99dbf7daa254c749a967d797ba4cbb7d16f6175bb5b6e979838fbdb691df4005782d6a716a89f5121a2cae90a7313fc1cc
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: /4h51ctv
grpc-timeout: 2m
accept-encoding: gzip, deflate
x-empty: 
cookie: a=yfefmodyagz97s25_n1fxoq_k1mwheb72mh5zqncn/jgm3yx8jg.5j-z175u55m8/oavuuc7
x-jqj: y_s4ef7ceoic
content-type: application/grpc
te: trailers
block 8286c6048a610f2e06bd2f11e31d09c54084f2b53e9b899e461963bcec20de91cdcc7f06a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2f2c00fca7f0602386d9060a11c056fb241ebd49d4d5a3bc84681d1b5e5e9e004619f4cc9335d2322ec1ad99ff10f1a8efe6329638da28ca38df10831ff3f
:method: GET
:scheme: http
:authority: www.example.org:8080
:path: /s8.04y._obalt
accept: */*
x-my5: hd/3/vh/siys
te: trailers
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203338-01
x-empty: 
grpc-timeout: 8m
accept-encoding: gzip, deflate
cookie: a=e5qt0yydkipsvdc40j5.fjw0c/3y3dg4jbc./iug9w
if-none-match: "beebb4eaeab9221b"
block 8286ca048d6237565aa3cae3a07133f40adf0f1a8dfe6466408e565b64a023ce7f3fc9cf
:method: GET
:scheme: http
:authority: www.example.org:8080
:path: /b7--nof6706thj1-
if-none-match: "d3d1af353e0c86"
accept: */*
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
block 8286d1048a6199daf1d8d1d5e7bb5fc54005782d76376a89f0ccad54818986475790cf7f0102346dd2d11f11b51c16d114b33d127afae863dae575d08f2021978fd94a6025f0748829f12d62f2ec9e80305a2abca1a9689ac9df5fa0bdd000d15b3f0f1a8efe432352042f01a23857258e3fe7cb
:method: GET
:scheme: http
:authority: example.com
:path: /3h4wqibnxv4
content-type: application/grpc
x-v7j: w3f4nsa2/3an
accept-encoding: gzip, deflate
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203339-01
grpc-timeout: 4m
te: trailers
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
cookie: a=ul_fg8_tkyjiou6pplsx0ci.bzeei0t90j_1twfp2x7dy0a0u2nxs4flgrh9.j2zl01lp3
if-none-match: "1d4d11804c6e6fbb"
accept: */*
block 8287d384c7d2900f1a8ffe5a6d969911249652c6dc8dcbfcffcbd1ce60b31c117b14ddbc2295e5217b25eef3bb5f52810874cb3b53d301ef76205e563759e7f5ee264cfa7c340a9a6dcb5b9049e8dc8c554084f2b47e1a89f6374b2fb1f924ec0f7f05a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb245801f
:method: GET
:scheme: https
:authority: example.com
:path: /
content-type: application/grpc
te: trailers
accept-encoding: gzip, deflate
if-none-match: "453432cdffeb5d5f"
accept: */*
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
x-empty: 
cookie: a=_z2gqwsm.fceqt8vh7pke0ss7i-7n8g08zrs2x-ikhhyz_3i9tw40n456u5d2tj5d/n
x-bw4: za7efzaxch/a
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333c-01
block d786cf048861db4d5502f1e83f0f1a8efe4206a496571c133286371d2ff3d5bed160961c148aa8a4f443cb4799283b09625711e00cc8ebe18bcf
:method: OPTIONS
:scheme: http
:authority: www.example.org:8080
:path: /7uinl2wy1
if-none-match: "104dff6623f1b67e"
te: trailers
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333c-01
x-empty: 
cookie: a=m2n_dycoflxdlo/t/f6sw03d791_
accept: */*
block 8287d0049a619b7b46e929f32d4ef8a69ec94bbebb35e2b225f28d96c5201bd21f118d1c12cb5cdd015098285ff64a3f4084f2b56d9f89359e2d0ccfa187a947cc90d0d60f1a8efe5d085e8e37424740e95d763fe7
:method: GET
:scheme: https
:authority: www.example.org:8080
:path: /3uqb7cmxfn7wmmqtt7yq4wpct9ea352d05
x-empty: 
cookie: a=ffpgj0n2/e19zcl
x-p5o: irwu1g9s/8ms
content-type: application/grpc
accept-encoding: gzip, deflate
accept: */*
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
if-none-match: "7118bb71c707e77b"
block 8287d8048b610379c0c93fab275bc1ff60961c1595d4da7f2d222ea61bee5be628cdefa50e14d537cdd7d8d4c7d1
:method: GET
:scheme: https
:authority: example.com
:path: /sa861dhyrh-wo
cookie: a=pe7tuox4s_kia96ux_bizjl6ein5
content-type: application/grpc
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
x-empty: 
grpc-timeout: 8m
accept: */*
block da87d9048d60cbfba6d47a92a25b5f711fb70f1a8dfe5b18044745288436a5239fcf4084f2b4e0f58aea370cc39d25ef5d15ff
:method: OPTIONS
:scheme: https
:authority: example.com
:path: /i.zmusydncupv2oq
if-none-match: "5a02c72f22a4fc6"
x-h0y: ka6i/6jfvplp
block 8287da049f619e8c2e4eddfd4646e5f08e8cd6e78ebefbd8dfb1a5d43ed11e59fec467df90d5d2c260a41c0dc91d84ed122a75defebb553addeb89ef1d7a771c522dd3c79422d6fdae1ea3e8b13fda0f1a8efe46f0e313f284206597d9083f9fcf4084f2b08ddf891b5d98a4af86ca1debda
:method: GET
:scheme: https
:authority: example.com
:path: /3j/.cqvybc5fwsj3p6wkzvr5zat7s94c8-9qc3z
accept-encoding: gzip, deflate
x-empty: 
accept: */*
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333c-01
cookie: a=5dbrcq_sn77vyqnh-vp_8wkjva_d-jwxssu5z.1kaj-c
te: trailers
if-none-match: "a8ab29f110339310"
content-type: application/grpc
x-2iv: a4q/me91rl7k
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
block 8387d504916290f41b9d16f5e5923e060f1f977ad3e390dad47f0802376d0f1a8efe4b1902e4ae3eebed3807dd7bf9d860981c0b5765002ac2ac4e4d4f51143eecec1f0c5b2a636c7da94084f2b7bf418af44899f0b196b2d8fdff
:method: POST
:scheme: https
:authority: www.example.org:8080
:path: /m1ja6j-yx3c90/obx7kmw
accept-encoding: gzip, deflate
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
accept: */*
grpc-timeout: 7m
if-none-match: "ebc16f6979460978"
x-empty: 
cookie: a=-prl0e-2p26gmk2e1zrq1w/uftb5aqm
x-zy1: yc_3w-i-rubz
block e086d804022f751f119d1c00e8bf4f69724ea63344748ffaa3c452cafd1da9ed6f6eceb3d04fff4084f2b74251897096969658ad977af7
:method: OPTIONS
:scheme: http
:authority: www.example.org:8080
:path: /u
cookie: a=0j.jzt6dkii4c7c9ylw_ff9lqmquqq73j29
x-jcl: 6cuem3/p37kv
block 8386e00486602bf8585dffdf7f09a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb31ac00fd9d7
:method: POST
:scheme: http
:authority: example.com
:path: /1.w-2v
te: trailers
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333b-01
accept: */*
grpc-timeout: 6m
block 8287e1048963db03b597db6a591e0f1a8efe4448d979b71e13e11b6f0e5fe7e0
:method: GET
:scheme: https
:authority: example.com
:path: /z/au3954fd8
if-none-match: "2cb38568291a58af"
te: trailers
block 8386da04946087ad1dfad7e0fd40cf958de961f5887ea8e91f4005782d336b6b8aeed03ac48727f3e3a78fe0e1d6da7f0402306d60b31c032493acc74e9ea30056ef59bcb953deca602de26086b6bd1fdd6d7b88bdac77cbd1aec355d8462df733d274f7183d86667f907f02a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb235801f0f1a8efe5d7c01744e4a46841644d8ff9f
:method: POST
:scheme: http
:authority: www.example.org:8080
:path: /copsvkpwok03x-iy-ak_ayljb
x-3kk: v40k_s6hxwjw
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
content-type: application/grpc
accept: */*
grpc-timeout: 0m
cookie: a=acdh-/jjyb01-vpix6n8zei0-wg11p4yozp4z_eqr7x8b./4prc/uzg8djzb0z1g3
accept-encoding: gzip, deflate
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333a-01
if-none-match: "7901726fc421325a"
block e686de048e63d55e0c69d8f1d630aded92943f0f1a8efe5f6db963232c802d09a134fff34084f2b7a7d38aafd78f4d3890026e9d3fdee5dad47f00a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2d2c00fe5e2
:method: OPTIONS
:scheme: http
:authority: www.example.org:8080
:path: /ynwiih/wkb1-z3ee1
if-none-match: "955fbc3301424249"
x-y9t: pywy46t00gjj
accept: */*
te: trailers
content-type: application/grpc
grpc-timeout: 8m
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203334-01
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
x-empty: 
block 8287e704032f616860a01c130bcc5d9b3f57df2b9d63eae817a85efb4711bd7512d27a962f7dcee3246be0
:method: GET
:scheme: https
:authority: example.com
:path: /ah
cookie: a=g2x_q5ok99e6kbk70.n2zqb_iyk2-dyf_zvo63c4
accept: */*
block e986e1049760f3a3a7998d21a27e9193dbebb7334ff8ef30eb3b69b3e6e70f1a8efe445686e15d782495a1bc593f9f4084f2b4ad5b89f670c8b1012f6a6da3e4
:method: OPTIONS
:scheme: http
:authority: www.example.org:8080
:path: /ohsjxgidi_9macz9.5g49wvgapo5tr
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
if-none-match: "2e4a6e781cf4a8ed"
x-f4u: zo1d-c0fqmul
x-empty: 
block 8286e90485619a46eb1f4084f2b3fec589386becd35d0e24796fe2
:method: GET
:scheme: http
:authority: example.com
:path: /3ma7/
x-9z2: o1pq44jo2sx5
accept: */*
block 8286ea0491609dd8eacfaa40dd3d7dc9ddda6da1d797dee2e89060bc1c0dad52e2256daf6bf48c921ab130799d0a3bb74f5f2ff817b15ac97a1e7e9ed97aaf248fdd52822580f54333ada7d3cf1655db1d4063ca658eb63fe10f1a8efe6414b181b20d91ba26a37e5fe7ea4084f2b46e798ae8cf69e21587f5e9ceff
:method: GET
:scheme: http
:authority: example.com
:path: /cv/k3ym05mkzdv7mul78.
content-type: application/grpc
accept: */*
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
accept-encoding: gzip, deflate
cookie: a=5-n.2cp5.u9macdip2/og71sv5mkx9w2z2u3ejohjz38nxcbznf0_-08nai75ty88ef.5an0/xtfbp/
grpc-timeout: 6m
if-none-match: "d2fb05ca3a724b9f"
te: trailers
x-b6x: j3qh_2royy6v
block ed87e504022f684084f2b38f8f8aeadc7dbb9bc4cc3e02ff
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: /h
x-69a: k5bqviwg/90e
block 8287ed049960fe267eaa0fee95c5e3ad9e1fa6a66d358f8e5b53692560681f119b1c14b8ff814a071e04f2c4cdb422b0a0918ec2db6be892b74dd97f7f05a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2dac00fec
:method: GET
:scheme: https
:authority: example.com
:path: /owg9nlozm.2wkrw9mn3uir9afutucf/as
cookie: a=m69w2f0680hf_3ulsp1scbareuu9sdp7iq.
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203335-01
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
block 8286e7840f1a8efe646db084a168a17a47df217f9f90ede2e57f0a02356ded4084f2b1d3d389a1fecf4741c1d6b7cd1f118d1c0ed6da2cf616a4eaef8a6be9
:method: GET
:scheme: http
:authority: www.example.org:8080
:path: /
if-none-match: "d5511e14e18d99ce"
accept-encoding: gzip, deflate
te: trailers
content-type: application/grpc
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333d-01
grpc-timeout: 5m
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
x-otj: l9q8blo0kp9i
cookie: a=7p5srz14dk7wmpj
block f186e9049a61d6e634af0e51d7ec5603c7bec5eb157512470a2ac465dc40ffeaebe4ee0f1a8efe44474027c017caccad4a16ff9fcd60a41c1e52e76346d52bfbeed2446691dfc2febdc5edc4ad5d21abb39d5c32eebce35dfb053f4084f2b32ec989a7b3258e95e6ec3aa890f1
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
block 8287eb049363c4b10678e81aef59e2af54db450df462273fe61f1102613dede8904084f2b48127893392813dd8a64ee6b7f1f20f1a8efe65195a71b13f28df9485217f9f7f04a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2eac00f
:method: GET
:scheme: https
:authority: www.example.org:8080
:path: /wf_1hbla.8rwnymull5j/_6
content-type: application/grpc
cookie: a=
x-empty: 
grpc-timeout: 6m
accept-encoding: gzip, deflate
x-d1c: i6f0tv/mdviu
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
if-none-match: "fae46529fa9fcece"
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203337-01
block f587ed048861701a78a7a1a44d
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: /.0ih_hl4sg
block 8286f4048f63a7470d3f71dbd3bc4597cd5d85dfef60b51c0ecb2da2f5ede69f0ba53f4f6e5bd0bd3a13d2d395db164f86bdc56b0cb9e0ee13d79eee0eb58ad4fe42c56f46eb93916f04f347f4f3d64084f2b77b1b8a6803adaf1d48d3bd7d7feaee907f01a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb32ac00f
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
block f886f0049562bf3e915d5dab7a2f2cd6bf763a5b5f4ecfd0f2fff690f20f1a8efe45281d65b0b857861689233fcf4084f2b4649b894cb17b32cc3b4d88eb60b01c1550bf85eb95e6ea47ab1ca7c02d8c94d2bf57d997b3886c16fa92793bf5b187c497c0d793cb2cae47139dd7996aff7f01a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb255801ff2ee
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
block 828741882f91d35d055c87a7048a6228fc3cd1ac958b173f40027465864d833505b11f90f4f00f1a8efe4adb8369d2bad0a57821139fcff7d37aadd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d707
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
block 42074f5054494f4e5387c1049a616e844b02756054cd5ee599ef73b8cf52527ae65fd00afd4ed31f118a1c14cce197a5f59d603ff6f24005782d7a7134895e3f1e2a2522a9da87c1907f0f02336d
:method: OPTIONS
:scheme: https
:authority: example.com
:path: /-jct/27-0n3nzfg8zh63kcmopg.y0e9n7m
cookie: a=mg6i.m9-7/1
accept: */*
content-type: application/grpc
x-zq4: .bwwncm2n7na
te: trailers
accept-encoding: gzip, deflate
grpc-timeout: 3m
block 8287f9049e61894e60571b68e8ef9e93b96da5f34d28743ebd93a08a8e8ed2bb7e3a454086f2b169ad3ebf00609b1c154fd4c27834112d2d2f99a66eb7491c52b3da2ecffaeb5cf17ff6f9
:method: GET
:scheme: https
:authority: www.example.org:8080
:path: //foi0pb5sj7xjh6uuexmms71yzcj2esj7m.5wj_
x-empty: 
cookie: a=nhki281lct4-fxgg5p7cb_f3q_q9ykph_
content-type: application/grpc
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333d-01
block 8287c5049263bf607a8d15d52c5d2b76a15a3ec089d7ff4084f2b3e23789986efa6abf7302442f53032a2f2a0f1a8efe5a904e10046c518c0f0c4d7f3f7f0302326d
:method: GET
:scheme: https
:authority: example.com
:path: /vq0ybspnf_jp7n2uaq0_79
x-92i: ga7y4pzg0ds.
accept: */*
if-none-match: "4d26c0c52ba08a24"
grpc-timeout: 2m
block 8286c8049163b8a9afcaccf67ba8bd8e61cddea4bd3fc71f118a1c133cc224ae7ea2ebd74005782d33716b8912d1bfea39e64cbeaaf4c00f1a8efe637c4fbd24ae3411beeb2277f9
:method: GET
:scheme: http
:authority: example.com
:path: /v2mpx-3q8k2zagagvnt8h
te: trailers
cookie: a=g8/sdphk2kk
x-3qk: 2-b9ybhgtfyn
grpc-timeout: 8m
accept: */*
if-none-match: "b9298df641a97327"
block c686418ff1e3c2e5f23a6ba0ab9ec9ae3c0781049261cb5a67b78b3ad0766d8fcb4c22b8e665df0f1a8efe5c8d913eeb846a491c79c10ff990c0c8c97f0ca7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2e2c00f4084f2b3e30f8a437d3d87dc4ba5a7fcffc660a51c0bf77cc46c0c8bc8e95aa2b6695d7fdb1655286379aee3a584004e20a497c7a07a3a1bf7
:method: OPTIONS
:scheme: http
:authority: www.example.org:8080
:path: /6u43qwrklo3ubx4/spbg37
if-none-match: "6b32976c4dd6862a"
accept-encoding: gzip, deflate
grpc-timeout: 2m
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203336-01
x-9a1: s5jz1z_.t49x
x-empty: 
cookie: a=.v9ic5032xam-ne5if79z/rnf1b84vam/s026secfwy0yos5z
block 8287cd049d63bf4a1b2cd42e43d037421a11ec49789d5aeb34ed2129f648aceec964f5cbc74084f2b3b6bf8a59ef69ad697a2fefca3fc590d55f8b1d75d0620d263d4c4d6564
:method: GET
:scheme: https
:authority: example.com
:path: /vjl5egl.cola711lsz2t8ck4kgh4sttzc_rv3ed
grpc-timeout: 4m
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
x-empty: 
x-7u9: -8ztp-fj.zxs
accept: */*
accept-encoding: gzip, deflate
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203337-01
content-type: application/grpc
block cc87cf048e63b189478b6999c6fa76b699d8afc90f1a8efe59640190b1b4ecadba18df7bf9c6f490dbcd1f118c1c167a7fc13b9fd900f59d7fbe
:method: OPTIONS
:scheme: https
:authority: example.com
:path: /qiclwumg65jqumh/p
x-empty: 
if-none-match: "3301deb47f571b98"
accept: */*
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333c-01
accept-encoding: gzip, deflate
grpc-timeout: 5m
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
cookie: a=ry9wcvozc08rk
content-type: application/grpc
