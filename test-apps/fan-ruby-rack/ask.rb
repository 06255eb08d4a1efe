# One to three questions to the database at DB for each request, over four connections that all requests share.
# Each is refused with a code that is made of the request's id.
module Ask
  NOTE = "return redis.error_reply('Z' .. ARGV[1] .. ' noted')"
  IDLE = Thread::Queue.new

  module_function

  def open_pg
    require 'pg'
    connection = PG.connect(ENV.fetch('DB'))
    lambda do |code|
      connection.exec_params('SELECT note($1)', ["Z#{code}"])
    rescue PG::Error => e
      e.result.error_field(PG::Result::PG_DIAG_SQLSTATE)
    end
  end

  def open_redis
    require 'redis'
    connection = Redis.new(url: ENV.fetch('DB'))
    lambda do |code|
      connection.eval(NOTE, argv: [code])
    rescue Redis::CommandError => e
      e.message.split.first
    end
  end

  def ask(number)
    code = Integer(number).to_s(36).upcase.rjust(4, '0')
    connection = IDLE.pop
    said = connection.call(code)
    raise "#{said} instead of Z#{code}" unless said == "Z#{code}"
  ensure
    IDLE << connection
  end

  def all(number)
    (1 + Integer(number) % 3).times { ask(number) }
  end

  def in_pool(number)
    Concurrent::Promises.future_on(Fan::POOL) { all(number) }.value!
  end

  4.times { IDLE << send("open_#{ENV['DRIVER']}") } if ENV['DRIVER']
end
