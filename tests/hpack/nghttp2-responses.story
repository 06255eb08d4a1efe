# nghttp2: responses
block 887684aa6355e76196d07abe940bea6a22541002ca8205c0b3704153168dff40889acac8b21234da8f01300f0d83784e874086f2b466a8767a0ee0fd77b07670eb940bd5335f973d0f28a33490769db135eaa99b8fd05718ac3c535b1c71bc3f5506377ed4d03f2b43316065c0037b8b19085ad2b16a21e435537f5f92497ca589d34d1f6a1271d882a60b532acf7f
:status: 200
server: nginx
date: Mon, 19 Oct 2013 20:13:21 GMT
grpc-status: 0
content-length: 8271
x-binary: \xe0\xfdw\xb0vp\xeb\x94\x0b\xd53_\x97=
set-cookie: id=qh524yng5by1.a2ro_gubbb8ayn1b7; Max-Age=3600
vary: accept-encoding
content-type: text/html; charset=utf-8
block 897f011eba66d3f8b6d4b100a9ea0e755a5c2e8210242a08e7078f7f89385eb094230f28a434904517bebd5c38e979f3fb73c2de19b1f5c7e9c33afd4193ed4d03f2b43316065c003f0f0d84780dbcd7c0
:status: 204
x-binary: \xbaf\xd3\xf8\xb6\xd4\xb1\x00\xa9\xea\x0euZ\x5c.\x82\x10$*\x08\xe7\x07\x8f\x7f\x898^\xb0\x94#
set-cookie: id=__zkk6oam89oz6w-w3r9.ay6i79n1d; Max-Age=3600
content-length: 80584
vary: accept-encoding
block 890f0d8469b0005f7e0398406cc00f28a33490029ed37672a5c319e3f7d09d44e05e3ba23bb1fb5ad0fda9a07e568662c0cb80070f1fa69d29ad171863c78f0b97c8e9ae82ae43d2c48929529ea05bb186f922a9667ab0e13d53e26a966196d07abe940b2a6a22541002ca8205c0b3704153168dff
:status: 204
content-length: 45002
x-binary: \x98@l
content-type: text/html; charset=utf-8
set-cookie: id=0mqgq6n.1bobzjck2618o72o7bz-u1; Max-Age=3600
location: https://www.example.com/dteettk0-qia9c_n-3k/6cymwgn-
date: Mon, 13 Oct 2013 20:13:21 GMT
block 880f0d847802645f6196d07abe940854d444a8200595040b8166e082a62d1bff
:status: 200
content-length: 80232
date: Mon, 11 Oct 2013 20:13:21 GMT
block 88c7c57f0116845d6a9d657eb8298f2de52ead74c79d15a75fa29b7dc30f28a334903c87fb356cd55a48c685ed17bb7d94b6aeccfdaa61e6bed4d03f2b43316065c003c4
:status: 200
server: nginx
grpc-status: 0
x-binary: \x84]j\x9de~\xb8)\x8f-\xe5.\xadt\xc7\x9d\x15\xa7_\xa2\x9b}
content-type: text/html; charset=utf-8
set-cookie: id=8s9q4ugnucbas.u2zuzeeu.3hqn/84; Max-Age=3600
vary: accept-encoding
block 890f1f9e9d29ad171863c78f0b97c8e9ae82ae43d2c5ae08f5dadb470777d8b0f27f
:status: 204
location: https://www.example.com/u62opu54o0v9/rod
block 89c67e212e8233882a4729e37bc3ddcb54a6e040f96c3ddcd13c978e7fc10261e00a0f7c85c5c9
:status: 204
grpc-status: 0
x-binary: .\x823\x88*G)\xe3{\xc3\xdd\xcbT\xa6\xe0@\xf9l=\xdc\xd1<\x97\x8e\x7f\xc1\x02a\xe0\x0a\x0f|\x85
vary: accept-encoding
server: nginx
block 8bc4c77e19adfc39c1c368018e65ecd19c57e665b801c7dacfac22fc7e940f1fa19d29ad171863c78f0b97c8e9ae82ae43d2c460e9eeca0ab8fc7603c9e8cf66fab3c60f0d840b6fb8d70f28a3349054b7aa913473ac379062b9e56485cf0eda39c42f097bed4d03f2b43316065c003fca
:status: 304
content-type: text/html; charset=utf-8
grpc-status: 0
x-binary: \xad\xfc9\xc1\xc3h\x01\x8ee\xec\xd1\x9cW\xe6e\xb8\x01\xc7\xda\xcf\xac"\xfc~\x94
location: https://www.example.com/b0jzrle.awq08tj3q5k3
vary: accept-encoding
content-length: 15964
set-cookie: id=n-ynsgbh-a8sie6x-t16w7uah22wt8; Max-Age=3600
server: nginx
block 8b7e1958f784a871847d0fcea2dd7f89612554e34b86eb534646e1b8cb0f1f999d29ad171863c78f0b97c8e9ae82ae43d2c7bae7a92598feffc60f28a4349039d65f762e9a9daabef614aef965c7e4ea97ecf0c1fdbff6a681f95a198b032e001f
:status: 304
x-binary: X\xf7\x84\xa8q\x84}\x0f\xce\xa2\xdd\x7f\x89a%T\xe3K\x86\xebSFF\xe1\xb8
server: nginx
location: https://www.example.com/zphntegoz
content-type: text/html; charset=utf-8
set-cookie: id=6kfzr.tn7npvree7x369dkt9rw/oz9; Max-Age=3600
block 880f1fa19d29ad171863c78f0b97c8e9ae82ae43d2c1aca45ebbd9dabae48a2a3c0577dd93c7c9cb7e25386d28170702f5a3c49364cc514d0f07c64a1dc2824228ec9b07121f42158c3cdd2e610eff
:status: 200
location: https://www.example.com/irm2yvrqppd__lw1.97d
vary: accept-encoding
grpc-status: 0
server: nginx
x-binary: 8m(\x17\x07\x02\xf5\xa3\xc4\x93d\xccQM\x0f\x07\xc6J\x1d\xc2\x82B(\xec\x9b\x07\x12\x1fB\x15\x8c<\xdd.a\x0e\xff
block 8e0f1fa79d29ad171863c78f0b97c8e9ae82ae43d2c7a93b5a6edea74cc1adc7eaefddcf71353184ebf17fc7c86196d07abe94032a6a22541002ca8205c0b3704153168dffcdcb0f0d847d96c4df0f28a3349058c17b5137492a092495c69cf335a433c411bd8a376cfb5340fcad0cc58197000f
:status: 500
location: https://www.example.com/ydquiqyhtg1p69nvv6z_4gi279_
content-type: text/html; charset=utf-8
vary: accept-encoding
date: Mon, 03 Oct 2013 20:13:21 GMT
server: nginx
grpc-status: 0
content-length: 93525
set-cookie: id=r/eqlgjdn1cdf646xguci8c2iz2b7r; Max-Age=3600
block 88cbcd7f00051c4418fb806196d07abe940b4a6a22541002ca8205c0b3704153168dffca0f1fa59d29ad171863c78f0b97c8e9ae82ae43d2c56b77f3e7da595fbbce758fa763ac69e803124d0f0d8469b138ff0f28a334901962912f5a04dbe2cb5d706ecfd2db6d58a2b1a67cfafb5340fcad0cc58197000f
:status: 200
grpc-status: 0
server: nginx
x-binary: \x1cD\x18\xfb\x80
date: Mon, 14 Oct 2013 20:13:21 GMT
content-type: text/html; charset=utf-8
location: https://www.example.com/p-vxxzt3.v86kbjqo-ihl0/dg
content-length: 45269
set-cookie: id=i-ect8u0tuwru76a7hjuuu-e2r43xy; Max-Age=3600
block 887f0025d914b4ea036199023d9aa190d2d19de79a43e347538104d912bcd7cd90092e2e02c489ed8b0f0d846dc7196b0f28a33490471796d07a576eb08bcbd4b45ec0a46f7a71b2fb61c8bed4d03f2b43316065c0030f1fa59d29ad171863c78f0b97c8e9ae82ae43d2c796bbfa6676bc740748e8ede4d1201d9c402c0fcc
:status: 200
x-binary: \xd9\x14\xb4\xea\x03a\x99\x02=\x9a\xa1\x90\xd2\xd1\x9d\xe7\x9aC\xe3GS\x81\x04\xd9\x12\xbc\xd7\xcd\x90\x09..\x02\xc4\x89\xed\x8b
content-length: 56634
set-cookie: id=b_x5som.5p12x8m4eq0ma8y65ez/6_; Max-Age=3600
location: https://www.example.com/x4vy3h4wj0jblqxi_s0q6s0r1
vary: accept-encoding
block 88ccd0ce0f0d840b8fb8ffcb7e036d2cc70f28a4349055d0f1cddba3537ba07285891fa9e0f89267c13f6b286bed4d03f2b43316065c003f
:status: 200
vary: accept-encoding
server: nginx
grpc-status: 0
content-length: 16969
content-type: text/html; charset=utf-8
x-binary: m,\xc7
set-cookie: id=njobgqj4gzlaf1/d9n81wdg90hqrl4; Max-Age=3600
block 8e0f0d84105f037f
:status: 500
content-length: 21905
block 8dd0
:status: 404
date: Mon, 19 Oct 2013 20:13:21 GMT
block 8bd10f28a4349047d9eb1decd1bdcde4af7979f7228d8488dd0b174a9aeff6a681f95a198b032e001fcd
:status: 304
server: nginx
set-cookie: id=bq8r7q4izgxe8x896_b/t2ije_jn4v; Max-Age=3600
vary: accept-encoding
block 4803343138ced0d20f1f949d29ad171863c78f0b97c8e9ae82ae43d2c465a37f001859cb74337faba87decf1bdfc63dde1cc3df988404c06c0d4ce0f28a434905a1f1da46020f5e11dc55b0ef493bcee50f37de78a36aafb5340fcad0cc58197000f
:status: 418
vary: accept-encoding
grpc-status: 0
server: nginx
location: https://www.example.com/bel
x-binary: Y\xcbt3\x7f\xab\xa8}\xec\xf1\xbd\xfcc\xdd\xe1\xcc=\xf9\x88@L\x06\xc0\xd4
content-type: text/html; charset=utf-8
set-cookie: id=u1wqd/10ywsv2p/7jdvh6l85vh_b4n; Max-Age=3600
block 8b0f28a334901def637ab0f5a3bd6579feb47a8a372a0d6476971878bf6a681f95a198b032e001
:status: 304
set-cookie: id=o8za8p1klvpe89kly_b6n1pc7m6/8e; Max-Age=3600
block 88cf0f28a4349076f1eac5991f43763d2589e6297835ac67d9f74ca5e927da9a07e568662c0cb8007f7e01cf
:status: 200
vary: accept-encoding
set-cookie: id=qwyr-3ajiqome_8/m81p-i93zmfejd; Max-Age=3600
x-binary: \xcf
block 880f1f939d29ad171863c78f0b97c8e9ae82ae43d2c75f0f0d847c4fbacfd07e0dcb3e6cc44482013d67c1f676896196d07abe940814d444a8200595040b8166e082a62d1bff0f28a3349074f0dbc895c4d4cc68622998f22ecc4925bd4d34e18abfb5340fcad0cc58197000d6d4
:status: 200
location: https://www.example.com/k
content-length: 92973
vary: accept-encoding
x-binary: \xcb>l\xc4D\x82\x01=g\xc1\xf6v\x89
date: Mon, 10 Oct 2013 20:13:21 GMT
set-cookie: id=jw58sf6tn3bs/_g/x2q/ddukigh1_p; Max-Age=3600
server: nginx
grpc-status: 0
block 8ed20f1f999d29ad171863c78f0b97c8e9ae82ae43d2c456f45e27ec2affd4d17f00151aea165a4b92f01621ca2fcc9ac989b4f019f408da
:status: 500
vary: accept-encoding
location: https://www.example.com/_uj._9re.
grpc-status: 0
content-type: text/html; charset=utf-8
x-binary: \x1a\xea\x16ZK\x92\xf0\x16!\xca/\xcc\x9a\xc9\x89\xb4\xf0\x19\xf4\x08\xda
block 88d6
:status: 200
date: Mon, 19 Oct 2013 20:13:21 GMT
block 8d7e1fbea6c825635c6098daf2ba0bf90a35ddafad25d763fdf4e6f154899aca84820f28a3349058cd327967bb1e0e31b64ebd9f20cf2bb411da6a122bfb5340fcad0cc58197000f0f1f989d29ad171863c78f0b97c8e9ae82ae43d2c0d7232cf83b82
:status: 404
x-binary: \xbe\xa6\xc8%c\x5c`\x98\xda\xf2\xba\x0b\xf9\x0a5\xdd\xaf\xad%\xd7c\xfd\xf4\xe6\xf1T\x89\x9a\xca\x84\x82
set-cookie: id=r3mdx3v/woaa5ckq9caof7lc7mn2sp; Max-Age=3600
location: https://www.example.com/a.c33wo62
block 880f1f969d29ad171863c78f0b97c8e9ae82ae43d2c748fc85ff7e179a96c1d7ec2565d076157b727ccac26b4d99b8009de3fed1d7d4
:status: 200
location: https://www.example.com/jbx19
x-binary: \x9a\x96\xc1\xd7\xec%e\xd0v\x15{r|\xca\xc2kM\x99\xb8\x00\x9d\xe3\xfe
date: Mon, 13 Oct 2013 20:13:21 GMT
grpc-status: 0
content-type: text/html; charset=utf-8
block 890f1f999d29ad171863c78f0b97c8e9ae82ae43d2c46c0dfa9aa6c445d7d9d50f28a334905811a656e770ebf60f93c932ee38e7532242d439031fda9a07e568662c0cb8007f0f0d84742f32d7d46196d07abe94138a6a22541002ca8205c0b3704153168dff
:status: 204
location: https://www.example.com/b/a9n4mrs_
grpc-status: 0
server: nginx
vary: accept-encoding
set-cookie: id=r1atf5h6o.q1xodg.666kisdenad1b; Max-Age=3600
content-length: 71834
content-type: text/html; charset=utf-8
date: Mon, 26 Oct 2013 20:13:21 GMT
block 8e7f000e5e3d1d671b3b2c709281d87f10800f28a3349077b413c6b50e4b4547a133496f428ba1c88f124528a9fb5340fcad0cc58197000f6196d07abe940b6a6a22541002ca8205c0b3704153168dffd80f0d8369c645da
:status: 500
x-binary: ^=\x1dg\x1b;,p\x92\x81\xd8\x7f\x10\x80
set-cookie: id=vu0hb-l6flnoltgduje2jocswd_f2m; Max-Age=3600
date: Mon, 15 Oct 2013 20:13:21 GMT
vary: accept-encoding
content-length: 4632
grpc-status: 0
block 89
:status: 204
block 89da0f28a334900e998c7f2e59d3a9ca959c71e5de08a271aa1cf1484bf6a681f95a198b032e001fd80f1fa19d29ad171863c78f0b97c8e9ae82ae43d2c52bf7eab4755ad3e493cb6ff8336573d7
:status: 204
grpc-status: 0
set-cookie: id=amgiox6rjkoet-668.812_64l6wm1e; Max-Age=3600
vary: accept-encoding
location: https://www.example.com/m.vk-bnu49cdx59wi5e6
content-type: text/html; charset=utf-8
block 8b0f28a33490762db1d169ededd92d8068ea89270858aacf0b36b217fb5340fcad0cc58197000f7f001058a549b430cbb662cae64cf67c137e28dd0f1fa39d29ad171863c78f0b97c8e9ae82ae43d2c148eb8d2cd5aef559bf63f4fbe2eb145e64db
:status: 304
set-cookie: id=qeubluouqqt50asksdh11/nrw-5-s.; Max-Age=3600
x-binary: X\xa5I\xb40\xcb\xb6b\xca\xe6L\xf6|\x13~(
server: nginx
location: https://www.example.com/ec764-4u7k-5zay992k__xd
grpc-status: 0
block 880f1f9e9d29ad171863c78f0b97c8e9ae82ae43d2c30e262a91d07de70fa728605f7e085c9d77daefea9f56c0ded9dcda
:status: 200
location: https://www.example.com//6t_nsjavh1y6l/2
x-binary: \x5c\x9dw\xda\xef\xea\x9fV
date: Mon, 15 Oct 2013 20:13:21 GMT
server: nginx
content-type: text/html; charset=utf-8
grpc-status: 0
vary: accept-encoding
block 8dd60f28a334900bdd0d09d889153109bf48f142f6511bf215f38ad177fb5340fcad0cc58197000fdedcda
:status: 404
date: Mon, 13 Oct 2013 20:13:21 GMT
set-cookie: id=2zl427_c_m_25yswl.rlb9de9o2u2v; Max-Age=3600
server: nginx
grpc-status: 0
vary: accept-encoding
block ca0f28a43490749a60c8cf4f2fdb67b1fa6c494c5ead45133740ba3337da9a07e568662c0cb8007f6196d07abe9403aa6a22541002ca8205c0b3704153168dff
:status: 418
set-cookie: id=jgg1d3jx9urzay52tt_yuslg5l2j3g; Max-Age=3600
date: Mon, 07 Oct 2013 20:13:21 GMT
block 89df7f000544f0496bb80f28a334903b6554f5eaf75e938a274c13775ed5cd1f8a0f5b71364fb5340fcad0cc58197000dedc
:status: 204
server: nginx
x-binary: D\xf0Ik\xb8
set-cookie: id=7rnmkk8kjh2_7i1iv.u.ibwlop5_5c; Max-Age=3600
grpc-status: 0
vary: accept-encoding
block 8be00f1fa49d29ad171863c78f0b97c8e9ae82ae43d2c44195a79772633ded77815bbe9ab45396a8bf6196d07abe941094d444a8200595040b8166e082a62d1bffdc7f001a4378bfd4af18e842ba1eb23c7d3fdf4c09bb424d930cf10df722
:status: 304
server: nginx
location: https://www.example.com/_1f48.6gi8z.80p7y4u2hen_
date: Mon, 22 Oct 2013 20:13:21 GMT
content-type: text/html; charset=utf-8
x-binary: Cx\xbf\xd4\xaf\x18\xe8B\xba\x1e\xb2<}?\xdfL\x09\xbbBM\x93\x0c\xf1\x0d\xf7"
block 8ee1
:status: 500
date: Mon, 19 Oct 2013 20:13:21 GMT
block ce7e193932a4e52effaf1660561c3b153c9c66524c746f2db4de8844df0f0d8469d0b2d7de
:status: 418
x-binary: 92\xa4\xe5.\xff\xaf\x16`V\x1c;\x15<\x9cfRLto-\xb4\xde\x88D
vary: accept-encoding
content-length: 47134
content-type: text/html; charset=utf-8
block cf0f1fa19d29ad171863c78f0b97c8e9ae82ae43d2c7be813488f4c066a57b1a5c3d9c9adfe1
:status: 418
location: https://www.example.com/zj1idsy/1gm.r4.1q6gu
grpc-status: 0
block 8ee30f1f9b9d29ad171863c78f0b97c8e9ae82ae43d2c55d482abdce93a1c17fde7e2714b1152225179db59d2ef0b7a757b57fa7777f6f9f9ca59a02f681754b7b522b84cc67465425a1e0
:status: 500
server: nginx
location: https://www.example.com/nkc2nzhtos62
content-type: text/html; charset=utf-8
x-binary: \x14\xb1\x15"%\x17\x9d\xb5\x9d.\xf0\xb7\xa7W\xb5\x7f\xa7w\x7fo\x9f\x9c\xa5\x9a\x02\xf6\x81uK{R+\x84\xccgFT%\xa1
vary: accept-encoding
block 8ee2e07e133a7e38620f63450de10e74f3580472462008460f0d84744f3e2f0f1f9a9d29ad171863c78f0b97c8e9ae82ae43d2c2d2baf76a7d8deb3f
:status: 500
grpc-status: 0
vary: accept-encoding
x-binary: :~8b\x0fcE\x0d\xe1\x0et\xf3X\x04rF \x08F
content-length: 72892
location: https://www.example.com/-f78qmza8r
