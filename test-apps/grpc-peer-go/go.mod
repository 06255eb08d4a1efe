module grpc-peer

go 1.24.0

require connectrpc.com/connect v1.19.1

require google.golang.org/protobuf v1.36.9 // indirect
