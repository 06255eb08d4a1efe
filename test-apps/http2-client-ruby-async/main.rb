# main.rb URL COUNT...: fetches it COUNT times at once, for each COUNT, each in a stream of one HTTP/2 connection (async-http).
require 'async'
require 'async/barrier'
require 'async/http/client'
require 'async/http/endpoint'
require 'async/http/protocol/http2'
require 'openssl'

context = OpenSSL::SSL::SSLContext.new
context.verify_mode = OpenSSL::SSL::VERIFY_NONE
context.alpn_protocols = ['h2']
options = { protocol: Async::HTTP::Protocol::HTTP2 }
options[:ssl_context] = context if ARGV[0].start_with?('https:')
endpoint = Async::HTTP::Endpoint.parse(ARGV[0], **options)

Async do
  client = Async::HTTP::Client.new(endpoint, protocol: Async::HTTP::Protocol::HTTP2, scheme: endpoint.scheme)
  ARGV[1..].each do |count|
    barrier = Async::Barrier.new
    count.to_i.times do
      barrier.async { print client.get(endpoint.path).read }
    end
    barrier.wait
  end
  client.close
end
