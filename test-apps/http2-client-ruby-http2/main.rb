# main.rb URL COUNT...: fetches it COUNT times at once, for each COUNT, each in a stream of one HTTP/2 connection (gem http-2).
require 'socket'
require 'http/2'
require 'openssl'
require 'uri'

url = URI(ARGV[0])
socket = TCPSocket.new(url.host, url.port)
if url.scheme == 'https'
  context = OpenSSL::SSL::SSLContext.new
  context.verify_mode = OpenSSL::SSL::VERIFY_NONE
  context.alpn_protocols = ['h2']
  socket = OpenSSL::SSL::SSLSocket.new(socket, context)
  socket.sync_close = true
  socket.connect
end

client = HTTP2::Client.new
client.on(:frame) { |bytes| socket.write(bytes) }
head = { ':scheme' => url.scheme, ':method' => 'GET', ':authority' => "#{url.host}:#{url.port}", ':path' => url.request_uri }
ARGV[1..].map(&:to_i).each do |count|
  left = count
  count.times do
    stream = client.new_stream
    text = +''
    stream.on(:data) { |part| text << part }
    stream.on(:close) do
      print text
      left -= 1
    end
    stream.headers(head, end_stream: true)
  end
  client << socket.readpartial(16384) while left.positive?
end
socket.close
