# WEBrick, a thread per connection; /call uses Net::HTTP. With CERTIFICATE (a PEM file that holds its key
# too) it serves https.
require 'net/http'
require 'webrick'
require 'webrick/https'

quiet = WEBrick::Log.new(File::NULL)
options = { BindAddress: '127.0.0.1', Port: ARGV[0].to_i, Logger: quiet, AccessLog: [] }
if ENV['CERTIFICATE']
  pem = File.read(ENV['CERTIFICATE'])
  options.update(SSLEnable: true, SSLCertificate: OpenSSL::X509::Certificate.new(pem),
                 SSLPrivateKey: OpenSSL::PKey.read(pem))
end
server = WEBrick::HTTPServer.new(**options)
server.mount_proc('/') do |request, response|
  case request.path
  when %r{\A/status/(\d+)} then response.status = Regexp.last_match(1).to_i
  when '/echo' then response.body = request.body.to_s
  when '/call' then response.body = Net::HTTP.get(URI("#{ENV.fetch('BACKEND')}/hello?#{request.query_string}"))
  when '/hello' then response.body = "hello\n"
  else response.status = 404
  end
end
trap('TERM') { server.shutdown }
server.start
