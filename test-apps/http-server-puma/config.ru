# A Rack application for Puma; /call uses Net::HTTP.
require 'net/http'

run(lambda do |env|
  case env['PATH_INFO']
  when %r{\A/status/(\d+)} then [Regexp.last_match(1).to_i, { 'content-length' => '0' }, []]
  when '/echo' then [200, {}, [env['rack.input'].read]]
  when '/call' then [200, {}, [Net::HTTP.get(URI("#{ENV.fetch('BACKEND')}/hello?#{env['QUERY_STRING']}"))]]
  when '/hello' then [200, {}, ["hello\n"]]
  else [404, { 'content-length' => '0' }, []]
  end
end)
