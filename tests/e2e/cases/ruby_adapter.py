"""What a Ruby program can see of the adapter that moved into it: nothing. With and without the agent it says the same."""
import re
import sys
import textwrap
from pathlib import Path

from harness import case

sys.path.append(str(Path(__file__).resolve().parents[2] / "context"))
from measure import measure  # noqa: E402
from catalog import PROGRAMS  # noqa: E402

# Moves the adapter in where the agent is (at the first socket), then looks around.
LOOK = """\
STDERR.reopen(STDOUT)
STDOUT.sync = true
require 'socket'
module Spy
  def method_added(name)
    puts "added #{self} #{name}"
  end

  def singleton_method_added(name)
    puts "singleton added #{self} #{name}"
  end
end
CLASSES = [Thread, Thread::Queue, Thread::ConditionVariable].freeze
CLASSES.each { |c| ENV['FROZEN'] ? c.freeze : c.extend(Spy) }
TCPServer.new('127.0.0.1', 0).close
1000.times {}
require 'fiber'
require 'timeout'
require 'net/http'
require 'objspace'

puts $LOAD_PATH, $LOADED_FEATURES.map { |f| File.basename(f) }, ARGV.inspect, $0, $VERBOSE.inspect, $DEBUG
puts ENV.select { |k, _| %w[PATH RUBYOPT RUBYLIB HOME GEM_HOME].include?(k) }.inspect
puts global_variables.inspect, Object.constants.sort.inspect, Dir.children('/proc/self/fd').size
puts ObjectSpace.each_object(Module).count, Signal.list.size, Thread.list.size, trap('USR1', 'DEFAULT').inspect

METHODS = [Thread.method(:new), Thread.method(:start), Thread.method(:fork), Thread.instance_method(:initialize)] +
          %i[pop deq shift].flat_map { |m| [Thread::Queue.instance_method(m), Thread::SizedQueue.instance_method(m)] } +
          [Thread::ConditionVariable.instance_method(:wait), Fiber.instance_method(:resume), Fiber.method(:new),
           Net::HTTP.instance_method(:request), Kernel.instance_method(:require)]
METHODS.each do |m|
  puts [m, m.owner, m.name, m.original_name, m.arity, m.parameters, m.source_location, m.super_method].inspect
end
[Thread, Thread::Queue, Thread::SizedQueue, Thread::ConditionVariable, Fiber, Net::HTTP].each do |c|
  puts [c, c.ancestors, c.instance_methods(false).sort, c.private_instance_methods(false).sort,
        c.singleton_methods(false).sort, c.instance_variables, c.frozen?].inspect
end
puts Thread.current.keys.inspect, Thread.current.instance_variables.inspect, Fiber.current.instance_variables.inspect
puts Fiber.current.storage.inspect if RUBY_VERSION >= '3.2'
puts Thread.new { [Thread.current.keys, Thread.current.instance_variables, caller, caller_locations.size].inspect }.value

def failing
  yield
  puts 'did not fail'
rescue Exception => e
  puts e.class, e.message, e.backtrace.inspect, e.backtrace_locations.inspect
end

class Worker < Thread
  def initialize(*args)
    puts caller.inspect
    super { raise 'no' }
  end
end

class Never < Thread
  def initialize; end
end

Thread.report_on_exception = false
failing { Thread.new }
failing { Thread.start }
failing { Never.new }
failing { Worker.new.join }
failing { Thread::Queue.new.pop(true) }
failing { Thread::Queue.new.pop(1, 2, 3) }
failing { Thread::Queue.new.pop }
failing { Thread::SizedQueue.new(1).shift(true) }
failing { Thread::ConditionVariable.new.wait }
failing { Timeout.timeout(0.01) { Thread::Queue.new.pop } }
failing { Mutex.new.synchronize { Thread::ConditionVariable.new.wait(1) } }
failing { Fiber.new { raise 'inside' }.resume }
failing { Enumerator.new { |y| y << 1; raise 'in enumerator' }.tap(&:next).next }
puts Thread.new(1, 2) { |a, b| a + b }.value, Thread.fork(3) { |a| a }.value
q = Thread::Queue.new
waiting = Thread.new { q.pop }
Thread.pass until waiting.stop?
puts waiting.backtrace.inspect, waiting.inspect.gsub(/0x\\h+/, ''), waiting.status
q << :done
puts waiting.value
queued = Thread::SizedQueue.new(1)
queued << 1
puts [queued.deq, q.empty?, q.num_waiting].inspect
lock, cond = Mutex.new, Thread::ConditionVariable.new
puts lock.synchronize { cond.wait(lock, 0.01) }.nil?, Marshal.dump([1, {}]).inspect

# What the program traces are its own calls only.
seen = []
trace = TracePoint.new(:call, :return, :c_call, :c_return, :b_call, :raise, :class, :end, :thread_begin, :fiber_switch) do |tp|
  seen << [tp.event, tp.method_id, tp.path, tp.lineno]
end
trace.enable
q << 1
Thread.new { 1 }.join
q.pop
Fiber.new { Fiber.yield 1 }.resume
Enumerator.new { |y| y << 1 }.next
eval('class Later; def now; end; end')
trace.disable
puts seen.map(&:inspect)
puts `ruby -e 'puts $LOAD_PATH.size, ENV["RUBYOPT"].inspect'`
puts fork { puts Thread.list.size; Thread.new { puts :child }.join } && Process.wait2[1].exitstatus
at_exit { puts :first }
at_exit { puts :last }
spy = Module.new do
  def new(*)
    puts :mine
    super
  end
end
Thread.singleton_class.prepend(spy) unless Thread.frozen?
Thread.new {}.join
Class.new(Thread).new {}.join
puts ObjectSpace.each_object(Fiber).count.positive?
"""


def compare(t, title, ruby, options=(), env={}):
    """The same text with the agent and without."""
    program = t.dir / "look.rb"
    program.write_text(LOOK)
    said = [normal(t.run("look", [*ruby, *options, program, "an", "argument"], agent, env)) for agent in (True, False)]
    if said[0] != said[1]:
        different = [(a, b) for a, b in zip(said[0].split("\n"), said[1].split("\n")) if a != b]
        t.check(False, f"{title}: {different[:5]} {len(said[0])} {len(said[1])}")
    t.check(len(said[0]) > 5000 and ":thread_begin" in said[0], f"{title}: it looked around")


def normal(text):
    """Addresses and processes differ from run to run."""
    return re.sub(r"0x[0-9a-f]+", "0x", text)


@case("Ruby: a program that looks for the adapter finds nothing, whatever its options", ["ruby"], agent_only=True)
def nothing_to_see(t):
    for options in (["-w"], ["--disable-gems"], ["--yjit"]):
        compare(t, f"options {options}", ["ruby"], options)
    compare(t, "RUBYOPT", ["ruby"], env={"RUBYOPT": "-w -rset"})
    compare(t, "frozen classes", ["ruby"], env={"FROZEN": "yes"})


@case("Ruby: the adapter moves in at the first socket, and without sockets never", ["ruby"], agent_only=True)
def moves_in(t):
    env = {"REMORA_DEBUG": "init"}
    t.run("with", ["ruby", "-e", "require 'socket'; TCPServer.new('127.0.0.1', 0).close; 1000.times {}"], env=env)
    t.run("without", ["ruby", "-e", "require 'json'; Thread.new {}.join; 1000.times {}"], env=env)
    for name, expected in (("with", True), ("without", False)):
        t.equal("ruby adapter: moved in" in (t.dir / f"{name}.log").read_text(), expected, name)


# What a Rack application sees below it, and of what it uses; with a time limit that ends in the middle of anything.
INSIDE = """\
require 'timeout'
require 'concurrent'

def interrupted
  lost = 0
  100.times do
    Timeout.timeout(0.002) do
      begin_at = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      while Process.clock_gettime(Process::CLOCK_MONOTONIC) - begin_at < 10
        steps = Enumerator.new { |y| loop { y << 1 } }
        20.times { steps.next }
        Thread.new {}.join
      end
      lost += 1
    end
  rescue Timeout::Error
  end
  lost
end

def seen
  pool = Concurrent::FixedThreadPool.new(1)
  job = Concurrent::Promises.future_on(pool, []) { |args| [args, args.instance_variables, caller.size] }
  methods = [Puma::Server.instance_method(:handle_request), pool.method(:post), pool.method(:ns_enqueue)]
  [caller, Thread.current.keys, Thread.current.instance_variables, Fiber.current.instance_variables,
   methods.map { |m| [m.owner, m.arity, m.parameters, m.source_location] }, Puma::Server.ancestors,
   Thread.new { [caller, Thread.current.keys, Thread.current.instance_variables] }.value,
   Enumerator.new { |y| y << caller }.next, job.value!, job.instance_variables, ObjectSpace.each_object(Class).count]
end

run(lambda do |env|
  said = env['PATH_INFO'] == '/seen' ? seen.map(&:inspect).join("\\n") : interrupted.to_s
  [200, { 'content-type' => 'text/plain' }, [said]]
end)
"""


def puma(t, agent):
    program = t.dir / "config.ru"
    program.write_text(INSIDE)
    port = t.port()
    t.start("puma", ["puma", "--quiet", "--environment", "production", "--threads", "2:2", "--bind",
                     f"tcp://127.0.0.1:{port}", program], port, agent)
    return port


@case("Ruby: an application finds the same below it, and in what it uses, with and without", ["puma"], agent_only=True)
def inside(t):
    said = []
    for agent in (True, False):
        port = puma(t, agent)
        t.get(port, "/seen")  # what is loaded by it is there for the next
        status, text = t.get(port, "/seen")[0]
        said.append(normal(text.decode()))
        t.equal(status, 200, said[-1])
        t.stop()
    t.check("handle_request" in said[0], said[0])
    t.equal(said[0].split("\n"), said[1].split("\n"), "what it found")


@case("Ruby: an exception that another thread raises in the middle of the adapter reaches the program", ["puma"],
      agent_only=True)
def interrupted(t):
    t.equal(t.get(puma(t, True), "/interrupted"), [(200, b"0")], "time limits that were lost")


@case("Ruby: next to the OpenTelemetry SDK the adapter says nothing", ["puma"], agent_only=True)
def stands_down(t):
    (t.dir / "sdk.rb").write_text("module OpenTelemetry; module SDK; end; end\n")
    rows = measure(t, PROGRAMS["puma-threads"], {8: 40}, env={"RUBYOPT": f"-r{t.dir}/sdk.rb"})
    for row in rows.values():
        t.check(row.calls >= 40 and row.missing == row.calls, f"nothing was said: {vars(row)}")
