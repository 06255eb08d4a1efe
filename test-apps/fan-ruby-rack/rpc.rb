# Calls of gRPC, over one channel that all requests share.
require 'grpc'

module Rpc
  STUB = GRPC::ClientStub.new("#{Fan::FAR.host}:#{Fan::FAR.port}", :this_channel_is_insecure)
  AS_IS = ->(bytes) { bytes }.freeze

  module_function

  def rpc(number)
    Fan.turns.each do |turn|
      sleep(rand * 0.005)
      STUB.request_response("/call/#{number}/#{turn}", 'x', AS_IS, AS_IS)
    end
  end
end
