# main.rb URL COUNT: fetches it with Net::HTTP over one connection.
require 'net/http'

url = URI(ARGV[0])
Net::HTTP.start(url.host, url.port) do |http|
  ARGV[1].to_i.times { print http.get(url.request_uri).body }
end
