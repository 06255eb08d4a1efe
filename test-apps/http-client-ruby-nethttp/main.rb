# main.rb URL COUNT: fetches it with Net::HTTP over one connection.
require 'net/http'

url = URI(ARGV[0])
Net::HTTP.start(url.host, url.port, use_ssl: url.scheme == 'https') do |http|
  ARGV[1].to_i.times { print http.get(url.request_uri).body }
end
