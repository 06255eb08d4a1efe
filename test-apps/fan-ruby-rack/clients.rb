# Calls of other libraries than Net::HTTP, one after the other, each with its own pool of kept connections.
require 'http'
require 'excon'
require 'httpclient'
require 'typhoeus'
require 'faraday'

module Clients
  FAR = ENV.fetch('FAR')
  INSECURE = OpenSSL::SSL::SSLContext.new.tap { |context| context.verify_mode = OpenSSL::SSL::VERIFY_NONE }
  HTTPCLIENT = HTTPClient.new.tap { |client| client.ssl_config.verify_mode = OpenSSL::SSL::VERIFY_NONE }
  IDLE = Hash.new { |idle, name| idle[name] = Thread::Queue.new }
  NAMES = %i[http excon httpclient typhoeus faraday].each { |name| IDLE[name] }.freeze

  OPEN = {
    http: lambda {
      client = HTTP.persistent(FAR)
      ->(path) { client.get(path, ssl_context: INSECURE).flush }
    },
    excon: lambda {
      client = Excon.new(FAR, persistent: true, ssl_verify_peer: false)
      ->(path) { client.get(path: path) }
    },
    httpclient: -> { ->(path) { HTTPCLIENT.get(FAR + path) } },
    typhoeus: -> { ->(path) { Typhoeus.get(FAR + path, ssl_verifypeer: false, ssl_verifyhost: 0) } },
    faraday: lambda {
      client = Faraday.new(FAR, ssl: { verify: false })
      ->(path) { client.get(path) }
    }
  }.freeze

  module_function

  def clients(number)
    NAMES.sample(rand(1..3)).each_with_index do |name, turn|
      client = begin
        IDLE[name].pop(true)
      rescue ThreadError
        OPEN[name].call
      end
      client.call("/call/#{number}/#{turn}")
      IDLE[name] << client
    end
  end
end
