# nghttp2: resized
block 828641882f91d35d055c87a7049363aa7b2f52e48ba87db9e5e1396123f2cdbebf53032a2f2a
:method: GET
:scheme: http
:authority: example.com
:path: /ktq.n.c_k1z6x826rcbx3uy
accept: */*
block 3fa9018386bf048961d1fa8895f420fc31
:method: POST
:scheme: http
:authority: example.com
:path: /7ay_cpjcaw/
block 8286bf048c6269a3a0f3551bacb297bd559040899acac8b24d494f6a7f02336d5f8b1d75d0620d263d4c4d656460aa1c0e47145201d8a899af31bb3b1e51e5318269934c62900db3544c14688fca4a76e99d6f3ed9378f73ff4084f2b769e789958efeea9a361a236840027465864d833505b11f4086f2b169ad3ebf00
:method: GET
:scheme: http
:authority: example.com
:path: /ggblognb733t8yn
accept-encoding: gzip, deflate
grpc-timeout: 3m
content-type: application/grpc
cookie: a=6b__d07_lg4xb7h/xsxtb0ggtmb2d053n_/easbxteo5mh-xz3iwzh
x-qhh: f/vzngb/4c5s
te: trailers
x-empty: 
block 3f2142074f5054494f4e5387018ff1e3c2e5f23a6ba0ab9ec9ae3c078104856225a62f8f00884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2d2c00f
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: /_-gew
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203334-01
block 828701882f91d35d055c87a7049861830d80b5d9c5a866a2f81b6f1626fbb3638cc72b1e28f70f108b1d75d0620d263d4c4d656453032a2f2a0f1a8efe6303d1ba07a576391f725107f940899acac8b24d494f6a7f02346d9000884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2d2c00f1f11871c1d5bf4ca3a7f40027465864d833505b11f
:method: GET
:scheme: https
:authority: example.com
:path: //ia/14q6-l3newa58e_5v3r63bf/wlz
content-type: application/grpc
accept: */*
if-none-match: "b08b708f7bd96f21"
grpc-timeout: 4m
accept-encoding: gzip, deflate
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203334-01
cookie: a=k5y3sj
te: trailers
block 828701882f91d35d055c87a70499625490ecbe776c9279fd79aadf05eecf9ead890c9855596f5f0f2badd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d707904086f2b169ad3ebf0053032a2f2a40027465864d833505b11f00884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2eac00f0005782d76716a8a079ed2f7a6bad8277f3f0f11b01c14f9a3c18c7b1ff5efbd8bb915bed0f305f29f6d51dbc09a968b7d1a39bc75f0508deb6b5fd3c86ba79b696e6e957f40899acac8b24d494f6a7f02316d
:method: GET
:scheme: https
:authority: example.com
:path: /ftco39o7rdhhyxnuwev3xk52s3i2nruk
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
accept-encoding: gzip, deflate
x-empty: 
accept: */*
te: trailers
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203337-01
x-vqj: 0xqfvmpp/cvx
cookie: a=mxlwiior9yzvr.6_uzs8/extz4lqw24fluyibgwkwe1a8up.y8s4jxum5gjn
grpc-timeout: 1m
block 42074f5054494f4e538601882f91d35d055c87a7049461a6d8b5e61796271e6fdb3d41e9d112614469ff0f2badd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d7070f1a8efe5e03d23a47248c41248e005fcf40027465864d833505b11f4086f2b169ad3ebf0000884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2dac00f0f108b1d75d0620d263d4c4d65649053032a2f2a
:method: OPTIONS
:scheme: http
:authority: example.com
:path: /45/u8/.f_685z3k0y72cg2_ih
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
if-none-match: "808d7c6db21cd602"
te: trailers
x-empty: 
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203335-01
content-type: application/grpc
accept-encoding: gzip, deflate
accept: */*
block 828601882f91d35d055c87a70486619aa462af5f00884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb245801f904086f2b169ad3ebf00
:method: GET
:scheme: http
:authority: example.com
:path: /3nd/ny
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333c-01
accept-encoding: gzip, deflate
x-empty: 
block 42074f5054494f4e5387018ff1e3c2e5f23a6ba0ab9ec9ae3c07810497618ecc531342a5a5bba4bd7caed1d858c9a9e4cc38e9b70f1a8dfe4718022959746f05b7ca5fe790
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: //q/m_42m4-vtekx.4o/-itn8tgabmu
if-none-match: "ab012f37a8159ee"
accept-encoding: gzip, deflate
block 3fe11f828741882f91d35d055c87a7049b61e94c13112e58d48ff8ef32fe665fc79b1a438bf48c9dc23f0f495f8b1d75d0620d263d4c4d656440027465864d833505b11f40899acac8b24d494f6a7f02316d7aadd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d70740884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb322c00f4086f2b169ad3ebf00
:method: GET
:scheme: https
:authority: example.com
:path: /8fi1ict6r4d9wvg.xg.wxr4s6.jbcv1aw8d
content-type: application/grpc
te: trailers
grpc-timeout: 1m
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333d-01
x-empty: 
block 2002074f5054494f4e5387018ff1e3c2e5f23a6ba0ab9ec9ae3c0781048d61967cbac335bef75651e413ff0086f2b169ad3ebf000f2badd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d7070f11a71c1385765875997d098f2ff8ebd0f4004dd00ed6aded3dad1fb88953334e3f36af6fba2d95d5ff00027465864d833505b11f0f04032a2f2a00899acac8b24d494f6a7f02386d0f108b1d75d0620d263d4c4d6564900f1a8efe5d1baf48d05c71d289a8dd2ff300884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2eac00f
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: /33x7/3p98k3sx0h
x-empty: 
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
cookie: a=h1.3/73fy2/x9wkjol025l0qu-ztquaz_cn3ghaxu.uzluf7.
te: trailers
accept: */*
grpc-timeout: 8m
content-type: application/grpc
accept-encoding: gzip, deflate
if-none-match: "7a78d41667e24b7e"
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203337-01
block 02074f5054494f4e5387018ff1e3c2e5f23a6ba0ab9ec9ae3c0781048561ca96f35f0f108b1d75d0620d263d4c4d6564
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: /6n-xp
content-type: application/grpc
block 02074f5054494f4e538601882f91d35d055c87a70496628e8c96ce8d3c575088df7ea280d4449669277664e90f1a8ffe5c7d91bd1bb232d9191b3237fcff0f2badd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d70700899acac8b24d494f6a7f02336d00884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb31ac00f00027465864d833505b11f0005782d6a776a894acf1a53ac7ef2d01f0f108b1d75d0620d263d4c4d6564900086f2b169ad3ebf000f119e1c1353d0f1db3d93792b8c1bc1834a5f8e3efd0af4866c1e1a424bd271cb
:method: OPTIONS
:scheme: http
:authority: example.com
:path: /lj3erj48e7ssb99ne0il_t3mcv3dj
if-none-match: "693a8b7d35c3a3d5"
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
grpc-timeout: 3m
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333b-01
te: trailers
x-jwj: t-8ifo-ovfl1
content-type: application/grpc
accept-encoding: gzip, deflate
x-empty: 
cookie: a=gmjobuhrgxe6/iwi1mt9bbvje8di50w4stejhaf
block 02074f5054494f4e5386018ff1e3c2e5f23a6ba0ab9ec9ae3c0781048c62c61e9e5716628a582bd6ff0f108b1d75d0620d263d4c4d65640086f2b169ad3ebf0000027465864d833505b11f0f1a8efe641b8304a0134d46d09e71bfe7
:method: OPTIONS
:scheme: http
:authority: www.example.org:8080
:path: /r/8hf6-/lm/e8u
content-type: application/grpc
x-empty: 
te: trailers
if-none-match: "da6a0f0244b42865"
block 02074f5054494f4e5387018ff1e3c2e5f23a6ba0ab9ec9ae3c07810493628021665d0ad6bc5587d811332b8f34ed9d6a
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: /l0s-371-u8e-aq0_3f6847rkn
block 838701882f91d35d055c87a7049663bd0292af3d85d9ced25a301e8f4d18282d1200af450f04032a2f2a0f2badd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d7070086f2b169ad3ebf0000899acac8b24d494f6a7f02326d
:method: POST
:scheme: https
:authority: example.com
:path: /vl2dnxq2q6qdua0oly4i1seld0e8_
accept: */*
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
x-empty: 
grpc-timeout: 2m
block 3fc907828641882f91d35d055c87a704886180bc45ac9ab8ab53032a2f2a4084f2b3c927894cad3865d6f08602bf9040027465864d833505b11f5f8b1d75d0620d263d4c4d656440899acac8b24d494f6a7f02306d0f1a8efe4acb2ccaeca3709285c191ffe77aadd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d70740884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2e2c00f60981c14303eb3c54d68ef2d465ab9bcb745557a40e53ac9f28f
:method: GET
:scheme: http
:authority: example.com
:path: //18c-rgp_p
accept: */*
x-8tc: tf46i.-ws/1.
accept-encoding: gzip, deflate
te: trailers
content-type: application/grpc
grpc-timeout: 0m
if-none-match: "e333f7fa6cf16ac9"
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203336-01
cookie: a=l/akh_mpsvfni-pgx5lnnysafo-txs
block 3fc9078386418ff1e3c2e5f23a6ba0ab9ec9ae3c0781048a626efdd213571766ad1f4086f2b169ad3ebf00c4
:method: POST
:scheme: http
:authority: www.example.org:8080
:path: /gvvt1ip_q4ua
x-empty: 
content-type: application/grpc
block 8286c804856196638867c7c2c4
:method: GET
:scheme: http
:authority: example.com
:path: /33b_ao
accept: */*
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
content-type: application/grpc
block 3fe11f3fe13f8286c8048362a276be904084f2b0a32789481d61da83332cbbd7c8
:method: GET
:scheme: http
:authority: example.com
:path: /ncq
x-empty: 
accept-encoding: gzip, deflate
x-2bc: t07/7n1g337k
accept: */*
block 3fe11f8387c0049e61758c55abe9177b64a97929f320dbf6bf4917016deaebb5cddbb776ec677f03a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb235801f4084f2b3de4189a579474768d040a7dfc70f1a8efe5995c948cb258d9946fb8d03f9c890c57f0702336dc2cb
:method: POST
:scheme: https
:authority: www.example.org:8080
:path: /.-ie-pj_vudn.dmxda5z.jd.0euk77pgqqv5r3
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333a-01
x-8x0: m.falqbsc1tz
content-type: application/grpc
if-none-match: "3f6fc33eb3fa9640"
te: trailers
accept-encoding: gzip, deflate
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
grpc-timeout: 3m
x-empty: 
accept: */*
block 3fa9018386418ff1e3c2e5f23a6ba0ab9ec9ae3c0781049362234724d5827f493594fb2001dcb50ba3ccff609b1c0c1c2cd6dd9535ea3ecef64db52c09259a8ebdd0f1e92cce76777aadd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d70740884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb32ac00f4084f2b0bbb989e949e74badb4cb9dd153032a2f2a0f1a8efe44e36ccaf01b94047a51ca2fe75f8b1d75d0620d263d4c4d6564
:method: POST
:scheme: http
:authority: www.example.org:8080
:path: /_ibdgp0hytirmzc00ven2j83
cookie: a=/o13p5rn4ybq7qtun-0dfglkvs8omeg6q7
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333f-01
x-2v6: jmoht75436vs
accept: */*
if-none-match: "2653f805f0c8faf2"
content-type: application/grpc
block 8387418ff1e3c2e5f23a6ba0ab9ec9ae3c078104032f6b7840884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb2e2c00f0f1a8efe59787246db72c8d05b8e4017f95f8b1d75d0620d263d4c4d6564
:method: POST
:scheme: https
:authority: www.example.org:8080
:path: /kx
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203336-01
if-none-match: "38adb55fd415bd0e"
content-type: application/grpc
block 8287418ff1e3c2e5f23a6ba0ab9ec9ae3c07810487613ddd8a6e8efb
:method: GET
:scheme: https
:authority: www.example.org:8080
:path: /tv7_gj7z
block 3fe11f8286be04042f38367a904086f2b169ad3ebf001f11b21c04a16ae5f11b4bc619cfebbb0d4d5b255dc78fd236856b026849330c2226d259a30cf6c898ea5ba78f1d25b189cbd16ac740899acac8b24d494f6a7f02346d7aadd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d707
:method: GET
:scheme: http
:authority: www.example.org:8080
:path: /86z
accept-encoding: gzip, deflate
x-empty: 
cookie: a=cl-pfwb4.b1hoyv/4gp3e.68ojb42u/242ti//s_5tegb1hudtbn-jwwjfr/hej-pa
grpc-timeout: 4m
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
block 828641882f91d35d055c87a7049161c69f19bcf9434e0fa45e1e8bad9dbb74bf40027465864d833505b11f4084f2b346a3899c0ff677d46221a91fc37f0302306dc60f1a8efe5d65a2108594407df744f39fcf
:method: GET
:scheme: http
:authority: example.com
:path: /649aixxs46aj_w8_krqqj
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
x-4il: h09q7yb2cima
x-empty: 
grpc-timeout: 0m
content-type: application/grpc
if-none-match: "734cccef20997286"
block 3f2142074f5054494f4e5386018ff1e3c2e5f23a6ba0ab9ec9ae3c0781049860bd1b92bed62f1c8b7777b7a1383f0c783f61c9e3dc6bb90084f2b3fed38992cb5c7c0fa3aca64f1f118d1c0cc6f8bbf515ac217b6ce8f753032a2f2a0f108b1d75d0620d263d4c4d656440899acac8b24d494f6a7f02336d
:method: OPTIONS
:scheme: http
:authority: www.example.org:8080
:path: /ej5dpqr.bd-v7qy26aw/woqadwzb.6
x-9zt: dru6909skfit
cookie: a=3b92vk2u/s.urj8
accept: */*
content-type: application/grpc
grpc-timeout: 3m
block 838701882f91d35d055c87a7049e61e5e65c048e20556d2cbe867bf9f7dc6fbad56d52f8985d8aa7f6f74f7f900f11b81c1eed1fa02644cd5bfd9032778fca3d04fd2223adac2a290b4f3f24c50a436d8f52f0659e918a5031431117c01e6985bd583a46d3f21a2f0084f2b3beda890f9eb4a3d8240029f740027465864d833505b11f40899acac8b24d494f6a7f02366d0f1a8efe5b205f902e09e65e1be375afe70f108b1d75d0620d263d4c4d65640f2badd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d707
:method: POST
:scheme: https
:authority: example.com
:path: /8.g.0cb_0num39s3vxzva974p4m92/./nhz8jz
accept-encoding: gzip, deflate
cookie: a=zuay0tdtgp9qsacvbxsy1oj_c75-2lm1489dge1t1ur8m81fhma2f0/l/_ew084/-yrama49di_
x-7z4: 1xkmsz0d00mz
te: trailers
grpc-timeout: 6m
if-none-match: "5c19d162838a9a74"
content-type: application/grpc
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
block 828601882f91d35d055c87a7049762c14d3c568db593d9daa940a8a7d767a2624ef1f9483f0005782d6b77708a487d869a3db7651efd7f
:method: GET
:scheme: http
:authority: example.com
:path: /r2gh_ua5-tq7nms2lmyq8_/dvbxt0
x-kwp: t1z1mlz5rlzy
block 20828701882f91d35d055c87a7048d63a7993c0de4574a288fb34bff00884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb32ac00f0005782d776a378aefee297acf60a2aebf7f00899acac8b24d494f6a7f02386d
:method: GET
:scheme: https
:authority: example.com
:path: /jxdwa8spmslbq4.
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333f-01
x-wj7: vz_fkhr2_ppz
grpc-timeout: 8m
block 3fe13f3fe1ff038386418ff1e3c2e5f23a6ba0ab9ec9ae3c0781048f611647dac59a918f74cab82d9fb3bf4084f2b25eaf89f320912f90af47499d4086f2b169ad3ebf0040027465864d833505b11f
:method: POST
:scheme: http
:authority: www.example.org:8080
:path: /srbqr-4d/zmf.0uhq7
x-t8p: xd2sfx1.ljg7
x-empty: 
te: trailers
block 838641882f91d35d055c87a7048a62d7fcf70785dba22a7fbf40899acac8b24d494f6a7f02346dc17aadd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d7074084f2b55d4f89ad333c65d82741b317905f8b1d75d0620d263d4c4d656453032a2f2a40884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb322c00f
:method: POST
:scheme: http
:authority: example.com
:path: /u9xv0w.5l_m
te: trailers
grpc-timeout: 4m
x-empty: 
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
x-nko: ptg8i./cja3_
accept-encoding: gzip, deflate
content-type: application/grpc
accept: */*
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333d-01
block 8286c8049461f3f4ea93b3dac383cd412967ebe3d805d46cff7ea7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb32ac00fc6c01f11a91c1281fa1079a576b59bb2b656f368035513323ee8f72b6cf4e89a45482da6ba5ded105a75b39a43f6900f1a8efe5d6631886e36224724848e5fe74084f2b116f58a6bcda7eecaeb3ee5bdffc8c47f0602326d
:method: GET
:scheme: http
:authority: www.example.org:8080
:path: /9ojkto3qro0xn1eehkwz02ka3
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333f-01
te: trailers
accept: */*
cookie: a=f09lsogf7p-5rp3-xu01nlg3avszf53jjtm2m0umpm7q_1475oidoq
accept-encoding: gzip, deflate
if-none-match: "73ba2a652cbddcbf"
x-c-y: 4xuov3.-96uv
x-empty: 
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
grpc-timeout: 2m
block 8386c7048963baf5a50f7a616b59c27e02336dcac94084f2b770fb890a431d6542e3435ebf90c7
:method: POST
:scheme: http
:authority: example.com
:path: /v.pts8y/-u3
accept: */*
grpc-timeout: 3m
x-empty: 
te: trailers
x-v1z: 1t1bpes.as4y
accept-encoding: gzip, deflate
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
block 8387c9049b6112f543941a4eb2d43ecf78224b376077a833f59c8df469647b6fc5
:method: POST
:scheme: https
:authority: example.com
:path: /sfks6lidkfnaq8wctegq0vn1hkhc5j4-sz5
content-type: application/grpc
block 3f21828601882f91d35d055c87a704976176cd10e98978aa03d5743db6f94cbea63769adf6d8bf0f2badd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d7070084f2b0008f8963c3fdd2d000c967ef0f1a8efe46d3d1bb2cad844f3412b4eff31f11a41c1e256e7f2bbcdfb63dcb131eaa2f61d2db911cd6f97dff310fbf534bde918182b962df53032a2f2a00884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb225801f9040899acac8b24d494f6a7f02346d
:method: GET
:scheme: http
:authority: example.com
:path: /.5i_am_._n08njouuxtfygiqguz52
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
x-00s: /w9vt4003ehv
if-none-match: "a48b7ff512841e47"
cookie: a=wf5hx.85z/zf_/yneqam56_oiux99x_avkifvma0/e6r-
accept: */*
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01
accept-encoding: gzip, deflate
grpc-timeout: 4m
block 3fc9078286418ff1e3c2e5f23a6ba0ab9ec9ae3c0781049561c9fd3d50965db2f97a4ac4096378e288be5f158940884d83216b1d85a93fa7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb225801f7aadd07f66a281b0dae053fafc087ed4ce6aadf2a7979c89c6bfb531149d4ec0801000200a984d61653f960216d7071f118e1c04a0a1a63ec2ed1bdd689c33c753032a2f2a
:method: GET
:scheme: http
:authority: www.example.org:8080
:path: /6hy8n2-.5ex8dp20fb8o2_ex92rt
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
cookie: a=cle1mbq2qb8klh1hb
accept: */*
block 42074f5054494f4e5387c2048c60b3a1e691e84dd32cb47bf3c040027465864d833505b11fc04086f2b169ad3ebf00
:method: OPTIONS
:scheme: https
:authority: www.example.org:8080
:path: /ehs84sy25mfflzx
user-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0
te: trailers
accept: */*
x-empty: 
block 3fc9073fe1ff03838641882f91d35d055c87a7048663a74ace91ff60a11c0f3864f66fd0195bdcecf8095a7e4a223b8c39d9f93a3bda42892167b3f2a4c1c1904084f2b7a6ab897bab0b47580362468f7f0902386dc55f8b1d75d0620d263d4c4d65640f1a8ffe5e0badb8f3afc6d472106d49fcffc3
:method: POST
:scheme: http
:authority: example.com
:path: /jjpota
cookie: a=86itq5y03-zh3w1e49dl_o6/6q9dj7qde2t13q9fti1
te: trailers
accept-encoding: gzip, deflate
x-y4p: 8k/-bp01rtas
grpc-timeout: 8m
accept: */*
content-type: application/grpc
if-none-match: "81756879b4bdca4d"
x-empty: 
block 8387c2049763bfb8ac64b2b1d2b2b46a3c55dd893bcf519a5dcf6e497f09a7001600e575c6c2f85c248d33248f34d3c58c41091e03217c8b46e8e4723742e3e2032cb255801f
:method: POST
:scheme: https
:authority: example.com
:path: /vz_r3ef/jpe4ilwnv/dvhni4.6z6d
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333e-01
