# async-http's server, which Falcon is made of, and its client: one fiber for each connection, all in one thread.
require 'async'
require 'async/http'
require 'async/http/endpoint'
require 'async/queue'
require 'openssl'

NEAR = Async::HTTP::Endpoint.parse("http://127.0.0.1:#{ARGV[0]}", protocol: Async::HTTP::Protocol::HTTP1)
OPTIONS = ENV['FAR'].start_with?('https') ? { ssl_context: OpenSSL::SSL::SSLContext.new } : {}
PROTOCOL = ENV['PROTOCOL'] == 'HTTP2' ? Async::HTTP::Protocol::HTTP2 : Async::HTTP::Protocol::HTTP11
FAR = Async::HTTP::Endpoint.parse(ENV.fetch('FAR'), protocol: PROTOCOL, **OPTIONS)
CLIENT = Async::HTTP::Client.new(FAR)
JOBS = Async::Queue.new

def call(number, turn)
  Async::Task.current.sleep(rand * 0.005)
  CLIENT.get("/call/#{number}/#{turn}").finish
end

def turns
  (0...rand(1..3))
end

def fan(number)
  turns.each { |turn| call(number, turn) }
end

def tasks(number)
  turns.map { |turn| Async { call(number, turn) } }.each(&:wait)
end

# Tasks that the first request starts work for all.
def late(number)
  $workers ||= Array.new(8) do
    Async::Task.current.reactor.async do
      while (job = JOBS.dequeue)
        call(job[0], 0)
        job[1].signal
      end
    end
  end
  done = Async::Condition.new
  JOBS.enqueue([number, done])
  done.wait
end

APP = lambda do |request|
  _, way, number = request.path.split('/')
  next Protocol::HTTP::Response[404, {}, []] unless %w[fan tasks late].include?(way)

  Async::Task.current.sleep(rand * 0.005)
  send(way, number)
  Protocol::HTTP::Response[200, { 'content-type' => 'text/plain' }, ["near\n"]]
end

Async do
  Async::HTTP::Server.new(APP, NEAR).run
end
