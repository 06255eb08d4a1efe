# python-hpack: responses
block 887684aa6355e76196d07abe940bea6a22541002ca8205c0b3704153168dff40889acac8b21234da8f81075c83784e874086f2b466a8767a9dfffecfffffdfe3fffc1debfffff7fffff77fffff4fffffcecc5ffff8e077a33490769db135eaa99b8fd05718ac3c535b1c71bc3f5506377ed4d03f2b43316065c0037b8b19085ad2b16a21e435537f5f92497ca589d34d1f6a1271d882a60b532acf7f
:status: 200
server: nginx
date: Mon, 19 Oct 2013 20:13:21 GMT
grpc-status: 0
content-length: 8271
x-binary: \xe0\xfdw\xb0vp\xeb\x94\x0b\xd53_\x97=
set-cookie: id=qh524yng5by1.a2ro_gubbb8ayn1b7; Max-Age=3600
vary: accept-encoding
content-type: text/html; charset=utf-8
block 897f02c9ffff8e5fffffc1fffffafffff77ffffe1ffff0ffe3fffddfffff77fffff5dbfbfffc17fffe7fffffedffcfcffffff47ffff3fffffe7ffffbfffffff9ffff69efff3fffc1ffffddff5f77a434904517bebd5c38e979f3fb73c2de19b1f5c7e9c33afd4193ed4d03f2b43316065c003f5c84780dbcd7c2
:status: 204
x-binary: \xbaf\xd3\xf8\xb6\xd4\xb1\x00\xa9\xea\x0euZ\x5c.\x82\x10$*\x08\xe7\x07\x8f\x7f\x898^\xb0\x94#
set-cookie: id=__zkk6oam89oz6w-w3r9.ay6i79n1d; Max-Age=3600
content-length: 80584
vary: accept-encoding
block 895c8469b0005f7f0286ffffc9ffaa3fc377a33490029ed37672a5c319e3f7d09d44e05e3ba23bb1fb5ad0fda9a07e568662c0cb80076ea69d29ad171863c78f0b97c8e9ae82ae43d2c48929529ea05bb186f922a9667ab0e13d53e26a966196d07abe940b2a6a22541002ca8205c0b3704153168dff
:status: 204
content-length: 45002
x-binary: \x98@l
content-type: text/html; charset=utf-8
set-cookie: id=0mqgq6n.1bobzjck2618o72o7bz-u1; Max-Age=3600
location: https://www.example.com/dteettk0-qia9c_n-3k/6cymwgn-
date: Mon, 13 Oct 2013 20:13:21 GMT
block 885c053830323332611d4d6f6e2c203131204f637420323031332032303a31333a323120474d54
:status: 200
content-length: 80232
date: Mon, 11 Oct 2013 20:13:21 GMT
block 88cfcd7f04adffff4fff9d3ffff317ffbfffd5fdffffdf5bfffcebffffbe9fffff67fffe6ffffff2fffef45fffd3ffff97ffdfc977a334903c87fb356cd55a48c685ed17bb7d94b6aeccfdaa61e6bed4d03f2b43316065c003cb
:status: 200
server: nginx
grpc-status: 0
x-binary: \x84]j\x9de~\xb8)\x8f-\xe5.\xadt\xc7\x9d\x15\xa7_\xa2\x9b}
content-type: text/html; charset=utf-8
set-cookie: id=8s9q4ugnucbas.u2zuzeeu.3hqn/84; Max-Age=3600
vary: accept-encoding
block 896e9e9d29ad171863c78f0b97c8e9ae82ae43d2c5ae08f5dadb470777d8b0f27f
:status: 204
location: https://www.example.com/u62opu54o0v9/rod
block 89d07f01cb5ffff9d9ffff5be717f7fffe6fffdfffc7fffff1fffffdedfffffa7fffb3ff5ffffffd441ffffffbfffe3fff9ffff8fffffafffffff3ffffe1fffffe21ffff67ffffff9fffffd9ff3fffd4cdd3
:status: 204
grpc-status: 0
x-binary: .\x823\x88*G)\xe3{\xc3\xdd\xcbT\xa6\xe0@\xf9l=\xdc\xd1<\x97\x8e\x7f\xc1\x02a\xe0\x0a\x0f|\x85
vary: accept-encoding
server: nginx
block 8bccd17ebbffff7ffffff73ffffff0ffff19ffffec7ffff597ffffd3fffc7fffecf2ffff417fffabfffec7ffffb3ffffe8fffff6ffff7ff9fffffddffdffffee6ea19d29ad171863c78f0b97c8e9ae82ae43d2c460e9eeca0ab8fc7603c9e8cf66fab3cf5c840b6fb8d777a3349054b7aa913473ac379062b9e56485cf0eda39c42f097bed4d03f2b43316065c003fd7
:status: 304
content-type: text/html; charset=utf-8
grpc-status: 0
x-binary: \xad\xfc9\xc1\xc3h\x01\x8ee\xec\xd1\x9cW\xe6e\xb8\x01\xc7\xda\xcf\xac"\xfc~\x94
location: https://www.example.com/b0jzrle.awq08tj3q5k3
vary: accept-encoding
content-length: 15964
set-cookie: id=n-ynsgbh-a8sie6x-t16w7uah22wt8; Max-Age=3600
server: nginx
block 8b7f021958f784a871847d0fcea2dd7f89612554e34b86eb534646e1b8d86e2168747470733a2f2f7777772e6578616d706c652e636f6d2f7a70686e7465676f7ad2772f69643d366b667a722e746e376e70767265653778333639646b743972772f6f7a393b204d61782d4167653d33363030
:status: 304
x-binary: X\xf7\x84\xa8q\x84}\x0f\xce\xa2\xdd\x7f\x89a%T\xe3K\x86\xebSFF\xe1\xb8
server: nginx
location: https://www.example.com/zphntegoz
content-type: text/html; charset=utf-8
set-cookie: id=6kfzr.tn7npvree7x369dkt9rw/oz9; Max-Age=3600
block 886ea19d29ad171863c78f0b97c8e9ae82ae43d2c1aca45ebbd9dabae48a2a3c0577dd93d5d9db7f02da7a9febfffffcffffff9ffffff8bfffff47fffb7ffff3ffffe093ffffefecd1fffffd9fffffcfffff465ffffff9fffebfffe7bbfd7ffffa7fffe5fffffe7fffffefffffffbbbfffffe5ffff77ffe7ffffe35c7fffffd7fffff77f
:status: 200
location: https://www.example.com/irm2yvrqppd__lw1.97d
vary: accept-encoding
grpc-status: 0
server: nginx
x-binary: 8m(\x17\x07\x02\xf5\xa3\xc4\x93d\xccQM\x0f\x07\xc6J\x1d\xc2\x82B(\xec\x9b\x07\x12\x1fB\x15\x8c<\xdd.a\x0e\xff
block 8e6ea79d29ad171863c78f0b97c8e9ae82ae43d2c7a93b5a6edea74cc1adc7eaefddcf71353184ebf17fd6d76196d07abe94032a6a22541002ca8205c0b3704153168dffdedc5c847d96c4df77a3349058c17b5137492a092495c69cf335a433c411bd8a376cfb5340fcad0cc58197000f
:status: 500
location: https://www.example.com/ydquiqyhtg1p69nvv6z_4gi279_
content-type: text/html; charset=utf-8
vary: accept-encoding
date: Mon, 03 Oct 2013 20:13:21 GMT
server: nginx
grpc-status: 0
content-length: 93525
set-cookie: id=r/eqlgjdn1cdf646xguci8c2iz2b7r; Max-Age=3600
block 88dee07f038effffff8bffffffe9fffffb7fff9b6196d07abe940b4a6a22541002ca8205c0b3704153168dffdb6ea59d29ad171863c78f0b97c8e9ae82ae43d2c56b77f3e7da595fbbce758fa763ac69e803124d5c8469b138ff77a334901962912f5a04dbe2cb5d706ecfd2db6d58a2b1a67cfafb5340fcad0cc58197000f
:status: 200
grpc-status: 0
server: nginx
x-binary: \x1cD\x18\xfb\x80
date: Mon, 14 Oct 2013 20:13:21 GMT
content-type: text/html; charset=utf-8
location: https://www.example.com/p-vxxzt3.v86kbjqo-ihl0/dg
content-length: 45269
set-cookie: id=i-ect8u0tuwru76a7hjuuu-e2r43xy; Max-Age=3600
block 887f0325d914b4ea036199023d9aa190d2d19de79a43e347538104d912bcd7cd90092e2e02c489ed8b5c053536363334772f69643d625f7835736f6d2e3570313278386d346571306d6138793635657a2f365f3b204d61782d4167653d333630306e3168747470733a2f2f7777772e6578616d706c652e636f6d2f78347679336834776a306a626c7178695f7330713673307231e3
:status: 200
x-binary: \xd9\x14\xb4\xea\x03a\x99\x02=\x9a\xa1\x90\xd2\xd1\x9d\xe7\x9aC\xe3GS\x81\x04\xd9\x12\xbc\xd7\xcd\x90\x09..\x02\xc4\x89\xed\x8b
content-length: 56634
set-cookie: id=b_x5som.5p12x8m4eq0ma8y65ez/6_; Max-Age=3600
location: https://www.example.com/x4vy3h4wj0jblqxi_s0q6s0r1
vary: accept-encoding
block 88e3e9e75c840b8fb8ffe37f0385a7ebffffd977a4349055d0f1cddba3537ba07285891fa9e0f89267c13f6b286bed4d03f2b43316065c003f
:status: 200
vary: accept-encoding
server: nginx
grpc-status: 0
content-length: 16969
content-type: text/html; charset=utf-8
x-binary: m,\xc7
set-cookie: id=njobgqj4gzlaf1/d9n81wdg90hqrl4; Max-Age=3600
block 8e5c84105f037f
:status: 500
content-length: 21905
block 8dec
:status: 404
date: Mon, 19 Oct 2013 20:13:21 GMT
block 8bed77a4349047d9eb1decd1bdcde4af7979f7228d8488dd0b174a9aeff6a681f95a198b032e001fe8
:status: 304
server: nginx
set-cookie: id=bq8r7q4izgxe8x896_b/t2ije_jn4v; Max-Age=3600
vary: accept-encoding
block 4883682f7fe9edef6e949d29ad171863c78f0b97c8e9ae82ae43d2c465a37f04bce7fffff792cffffffe7ffff87fffeafff7ffffd3fffff37fffcbfffffb89fffff8fffffcfffffefc1ffffffdfffeb7feb3ffffff37ffffc1fffff87fea77a434905a1f1da46020f5e11dc55b0ef493bcee50f37de78a36aafb5340fcad0cc58197000f
:status: 418
vary: accept-encoding
grpc-status: 0
server: nginx
location: https://www.example.com/bel
x-binary: Y\xcbt3\x7f\xab\xa8}\xec\xf1\xbd\xfcc\xdd\xe1\xcc=\xf9\x88@L\x06\xc0\xd4
content-type: text/html; charset=utf-8
set-cookie: id=u1wqd/10ywsv2p/7jdvh6l85vh_b4n; Max-Age=3600
block 8b77a334901def637ab0f5a3bd6579feb47a8a372a0d6476971878bf6a681f95a198b032e001
:status: 304
set-cookie: id=o8za8p1klvpe89kly_b6n1pc7m6/8e; Max-Age=3600
block 88ed772f69643d717779722d33616a69716f6d655f382f6d3831702d6939337a6d66656a643b204d61782d4167653d333630307f0201cf
:status: 200
vary: accept-encoding
set-cookie: id=qwyr-3ajiqome_8/m81p-i93zmfejd; Max-Age=3600
x-binary: \xcf
block 886e939d29ad171863c78f0b97c8e9ae82ae43d2c75f5c847c4fbacff17f019bfffffbdff747fffcf7ffff9ffffec4137ffffc3fffffa7bffffdaf6196d07abe940814d444a8200595040b8166e082a62d1bff77a3349074f0dbc895c4d4cc68622998f22ecc4925bd4d34e18abfb5340fcad0cc581970007684aa6355e740889acac8b21234da8f8107
:status: 200
location: https://www.example.com/k
content-length: 92973
vary: accept-encoding
x-binary: \xcb>l\xc4D\x82\x01=g\xc1\xf6v\x89
date: Mon, 10 Oct 2013 20:13:21 GMT
set-cookie: id=jw58sf6tn3bs/_g/x2q/ddukigh1_p; Max-Age=3600
server: nginx
grpc-status: 0
block 8ef66e999d29ad171863c78f0b97c8e9ae82ae43d2c456f45e27ec2affbff67f04bcffffff6fffff77ffffffdfb9bfffd7fffffafffffffefe3ffffe463ffffefffffb1fffff1ffffdaffffdbfffff5ffffffafffffe7fffffe8fffffa3f
:status: 500
vary: accept-encoding
location: https://www.example.com/_uj._9re.
grpc-status: 0
content-type: text/html; charset=utf-8
x-binary: \x1a\xea\x16ZK\x92\xf0\x16!\xca/\xcc\x9a\xc9\x89\xb4\xf0\x19\xf4\x08\xda
block 88611d4d6f6e2c203139204f637420323031332032303a31333a323120474d54
:status: 200
date: Mon, 19 Oct 2013 20:13:21 GMT
block 8d7f001fbea6c825635c6098daf2ba0bf90a35ddafad25d763fdf4e6f154899aca8482772f69643d72336d647833762f776f616135636b713963616f66376c63376d6e3273703b204d61782d4167653d333630306e2168747470733a2f2f7777772e6578616d706c652e636f6d2f612e633333776f3632
:status: 404
x-binary: \xbe\xa6\xc8%c\x5c`\x98\xda\xf2\xba\x0b\xf9\x0a5\xdd\xaf\xad%\xd7c\xfd\xf4\xe6\xf1T\x89\x9a\xca\x84\x82
set-cookie: id=r3mdx3v/woaa5ckq9caof7lc7mn2sp; Max-Age=3600
location: https://www.example.com/a.c33wo62
block 886e969d29ad171863c78f0b97c8e9ae82ae43d2c748fc85ff7f02b3ffff63ffff17ffffc3ffffe5ffffe8a97fff977ffffff2fffd67fcfffff93fffafae8fffee7fff57fe3ffff37fff9bfffff87ff5c65f92497ca589d34d1f6a1271d882a60b532acf7f
:status: 200
location: https://www.example.com/jbx19
x-binary: \x9a\x96\xc1\xd7\xec%e\xd0v\x15{r|\xca\xc2kM\x99\xb8\x00\x9d\xe3\xfe
date: Mon, 13 Oct 2013 20:13:21 GMT
grpc-status: 0
content-type: text/html; charset=utf-8
block 896e2268747470733a2f2f7777772e6578616d706c652e636f6d2f622f61396e346d72735fc8c97b0f6163636570742d656e636f64696e67772f69643d72316174663568366f2e7131786f64672e3636366b697364656e616431623b204d61782d4167653d333630305c053731383334c2611d4d6f6e2c203236204f637420323031332032303a31333a323120474d54
:status: 204
location: https://www.example.com/b/a9n4mrs_
grpc-status: 0
server: nginx
vary: accept-encoding
set-cookie: id=r1atf5h6o.q1xodg.666kisdenad1b; Max-Age=3600
content-length: 71834
content-type: text/html; charset=utf-8
date: Mon, 26 Oct 2013 20:13:21 GMT
block 8e7f059ffff20ffffff99bfffffdfefeabffff5ffffd2ffff27fffffe7fffff6ffff3777a3349077b413c6b50e4b4547a133496f428ba1c88f124528a9fb5340fcad0cc58197000f6196d07abe940b6a6a22541002ca8205c0b3704153168dffc45c8369c645d0
:status: 500
x-binary: ^=\x1dg\x1b;,p\x92\x81\xd8\x7f\x10\x80
set-cookie: id=vu0hb-l6flnoltgduje2jocswd_f2m; Max-Age=3600
date: Mon, 15 Oct 2013 20:13:21 GMT
vary: accept-encoding
content-length: 4632
grpc-status: 0
block 89
:status: 204
block 89d077a334900e998c7f2e59d3a9ca959c71e5de08a271aa1cf1484bf6a681f95a198b032e001fc66ea19d29ad171863c78f0b97c8e9ae82ae43d2c52bf7eab4755ad3e493cb6ff8336573c9
:status: 204
grpc-status: 0
set-cookie: id=amgiox6rjkoet-668.812_64l6wm1e; Max-Age=3600
vary: accept-encoding
location: https://www.example.com/m.vk-bnu49cdx59wi5e6
content-type: text/html; charset=utf-8
block 8b77a33490762db1d169ededd92d8068ea89270858aacf0b36b217fb5340fcad0cc58197000f7f05a2fcffffd193ffff683ffffef7fffee8fffffe4ffff467fffffd3ff3fffffc3ffbfd7fd56ea39d29ad171863c78f0b97c8e9ae82ae43d2c148eb8d2cd5aef559bf63f4fbe2eb145e64d5
:status: 304
set-cookie: id=qeubluouqqt50asksdh11/nrw-5-s.; Max-Age=3600
x-binary: X\xa5I\xb40\xcb\xb6b\xca\xe6L\xf6|\x13~(
server: nginx
location: https://www.example.com/ec764-4u7k-5zay992k__xd
grpc-status: 0
block 886e9e9d29ad171863c78f0b97c8e9ae82ae43d2c30e262a91d07de70fa728605f7f0194fffe1ffff9bc7ffffd1ffffd3ffffddffffdfc7fc6d8ced7cc
:status: 200
location: https://www.example.com//6t_nsjavh1y6l/2
x-binary: \x5c\x9dw\xda\xef\xea\x9fV
date: Mon, 15 Oct 2013 20:13:21 GMT
server: nginx
content-type: text/html; charset=utf-8
grpc-status: 0
vary: accept-encoding
block 8d6196d07abe940b2a6a22541002ca8205c0b3704153168dff77a334900bdd0d09d889153109bf48f142f6511bf215f38ad177fb5340fcad0cc58197000fdad9ce
:status: 404
date: Mon, 13 Oct 2013 20:13:21 GMT
set-cookie: id=2zl427_c_m_25yswl.rlb9de9o2u2v; Max-Age=3600
server: nginx
grpc-status: 0
vary: accept-encoding
block e677a43490749a60c8cf4f2fdb67b1fa6c494c5ead45133740ba3337da9a07e568662c0cb8007f6196d07abe9403aa6a22541002ca8205c0b3704153168dff
:status: 418
set-cookie: id=jgg1d3jx9urzay52tt_yuslg5l2j3g; Max-Age=3600
date: Mon, 07 Oct 2013 20:13:21 GMT
block 89dc7f030544f0496bb8772f69643d37726e6d6b6b386b6a68325f37693169762e752e6962776c6f70355f35633b204d61782d4167653d33363030ddd2
:status: 204
server: nginx
x-binary: D\xf0Ik\xb8
set-cookie: id=7rnmkk8kjh2_7i1iv.u.ibwlop5_5c; Max-Age=3600
grpc-status: 0
vary: accept-encoding
block 8bde6ea49d29ad171863c78f0b97c8e9ae82ae43d2c44195a79772633ded77815bbe9ab45396a8bf6196d07abe941094d444a8200595040b8166e082a62d1bffd67f02bebde7ffff8fffffe1ffffd9fffffe9ffff55dffff8ffffffebfffe0fff9ffeff9fffff973fffff57fffc97747fffe0fffffeafffffcdffffffefffffeafe7
:status: 304
server: nginx
location: https://www.example.com/_1f48.6gi8z.80p7y4u2hen_
date: Mon, 22 Oct 2013 20:13:21 GMT
content-type: text/html; charset=utf-8
x-binary: Cx\xbf\xd4\xaf\x18\xe8B\xba\x1e\xb2<}?\xdfL\x09\xbbBM\x93\x0c\xf1\x0d\xf7"
block 8edd
:status: 500
date: Mon, 19 Oct 2013 20:13:21 GMT
block ed7eb07c5fffee7fff9d7fffffbbffff67ffffffdfff78ffffffc7dffffff97ffcffff665db9d275bffff6fffffe4ffff5afffd65c8469d0b2d7d9
:status: 418
x-binary: 92\xa4\xe5.\xff\xaf\x16`V\x1c;\x15<\x9cfRLto-\xb4\xde\x88D
vary: accept-encoding
content-length: 47134
content-type: text/html; charset=utf-8
block ef6e2c68747470733a2f2f7777772e6578616d706c652e636f6d2f7a6a31696473792f31676d2e72342e3171366775e3
:status: 418
location: https://www.example.com/zj1idsy/1gm.r4.1q6gu
grpc-status: 0
block 8ee46e9b9d29ad171863c78f0b97c8e9ae82ae43d2c55d482abdce93a1c17fdb7f02d7ffffff1ffff0ffffff97f2affffff9ffffe6ffff87ffff32ffffff5ffffeffffef72ffff87ffffff3fffbde3ffffff0fffffdffffecffffe8ffff63fffff8bfffff4ffffa56e6fffdb7fdffffa7fffff7e6c3bd5fffeefda
:status: 500
server: nginx
location: https://www.example.com/nkc2nzhtos62
content-type: text/html; charset=utf-8
x-binary: \x14\xb1\x15"%\x17\x9d\xb5\x9d.\xf0\xb7\xa7W\xb5\x7f\xa7w\x7fo\x9f\x9c\xa5\x9a\x02\xf6\x81uK{R+\x84\xccgFT%\xa1
vary: accept-encoding
block 8ee5da7ea3b9ffd7a3fffffec260fffffff7ffffcffffffad3fffff6fe7fffff259854fffffe8c3f5c84744f3e2f6e9a9d29ad171863c78f0b97c8e9ae82ae43d2c2d2baf76a7d8deb3f
:status: 500
grpc-status: 0
vary: accept-encoding
x-binary: :~8b\x0fcE\x0d\xe1\x0et\xf3X\x04rF \x08F
content-length: 72892
location: https://www.example.com/-f78qmza8r
