# How the calls are made: each way is the first part of a path.
require 'net/http'
require 'uri'

module Fan
  FAR = URI(ENV.fetch('FAR'))
  WAYS = %w[fan threads pool futures later late fibers reactor].freeze
  IDLE = Thread::Queue.new

  module_function

  def connect
    Net::HTTP.new(FAR.host, FAR.port).tap do |http|
      if FAR.scheme == 'https'
        http.use_ssl = true
        http.verify_mode = OpenSSL::SSL::VERIFY_NONE
      end
      http.keep_alive_timeout = 30
      http.start
    end
  end

  def call(number, turn)
    sleep(rand * 0.005)
    far = begin
      IDLE.pop(true)
    rescue ThreadError
      connect
    end
    far.get("/call/#{number}/#{turn}")
    IDLE << far
  end

  def turns
    (0...rand(1..3))
  end

  def fan(number)
    turns.each { |turn| call(number, turn) }
  end

  def threads(number)
    turns.map { |turn| Thread.new { call(number, turn) } }.each(&:join)
  end

  # In fibers of an Enumerator, which Ruby makes by itself.
  def fibers(number)
    steps = Enumerator.new { |found| turns.each { |turn| found << call(number, turn) } }
    loop { steps.next }
  end

  # ---- concurrent-ruby ----

  def pool(number)
    turns.map { |turn| Concurrent::Future.execute(executor: POOL) { call(number, turn) } }.each(&:value!)
  end

  def futures(number)
    first = Concurrent::Promises.future_on(POOL) { call(number, 0) }
    rest = (1...rand(1..3)).map { |turn| first.then_on(POOL) { call(number, turn) } }
    Concurrent::Promises.zip(first, *rest).value!
  end

  # Waits for something that all requests share, and is told of it by whoever brings it about.
  def later(number)
    gate, mine = SHARED.synchronize do
      @gate = Concurrent::Promises.resolvable_event if @gate.nil? || @gate.resolved?
      [@gate, @gate.chain_on(POOL, number) { |it| call(it, 0) }]
    end
    gate.resolve(true, false) if rand < 0.5 || !mine.wait(0.05)
    mine.wait
  end

  # ---- threads that work for all requests ----

  def late(number)
    done = Thread::Queue.new
    @late ||= SHARED.synchronize { @late || start_late }
    @late << [number, done]
    done.pop
  end

  def start_late
    jobs = Thread::Queue.new
    8.times do
      Thread.new do
        loop do
          number, done = jobs.pop
          turns.each { |turn| call(number, turn) }
          done << true
        end
      end
    end
    jobs
  end

  # An event loop in a thread that the first request starts, which goes on for a while itself.
  def reactor(number)
    first = SHARED.synchronize { @reactor.nil? && (@reactor = Thread.new { EventMachine.run }) }
    sleep(0.3) if first
    sleep(0.001) until EventMachine.reactor_running?
    done = Thread::Queue.new
    EventMachine.next_tick do
      call(number, 0)
      done << true
    end
    done.pop
  end

  SHARED = Mutex.new
  require 'eventmachine' if ENV['REACTOR']
  begin
    require 'concurrent'
    POOL = Concurrent::ThreadPoolExecutor.new(min_threads: 1, max_threads: 32, max_queue: 0)
  rescue LoadError
    POOL = nil
  end
end
