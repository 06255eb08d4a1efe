# A Rack application: each request makes one to three calls that repeat its id, through a pool of kept connections.
require_relative 'fan'

run(lambda do |env|
  _, way, number = env['PATH_INFO'].split('/')
  return [404, { 'content-length' => '0' }, []] unless Fan::WAYS.include?(way)

  sleep(rand * 0.005)
  Fan.public_send(way, number)
  [200, { 'content-type' => 'text/plain', 'content-length' => '5' }, ["near\n"]]
end)
