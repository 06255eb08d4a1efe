# WEBrick, with a thread for each connection, and Net::HTTP.
require 'webrick'
require_relative '../fan-ruby-rack/fan'

server = WEBrick::HTTPServer.new(BindAddress: '127.0.0.1', Port: ARGV[0].to_i, AccessLog: [], MaxClients: 1024,
                                 Logger: WEBrick::Log.new(File::NULL))
server.mount_proc('/') do |request, response|
  _, way, number = request.path.split('/')
  sleep(rand * 0.005)
  Fan.public_send(way, number)
  response['Content-Type'] = 'text/plain'
  response.body = "near\n"
end
trap('TERM') { server.shutdown }
server.start
