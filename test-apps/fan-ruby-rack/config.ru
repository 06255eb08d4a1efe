# A Rack application: each request makes one to three calls that repeat its id, through a pool of kept connections,
# or asks a database.
require_relative 'fan'
require_relative 'ask'
require_relative 'clients' if ENV['CLIENTS']
require_relative 'rpc' if ENV['RPC']

ASKS = { 'ask' => :all, 'ask-pool' => :in_pool }.freeze

run(lambda do |env|
  _, way, number = env['PATH_INFO'].split('/')
  sleep(rand * 0.005)
  if ASKS.key?(way)
    Ask.public_send(ASKS[way], number)
  elsif way == 'clients'
    Clients.clients(number)
  elsif way == 'rpc'
    Rpc.rpc(number)
  elsif Fan::WAYS.include?(way)
    Fan.public_send(way, number)
  else
    next [404, { 'content-length' => '0' }, []]
  end
  [200, { 'content-type' => 'text/plain', 'content-length' => '5' }, ["near\n"]]
end)
