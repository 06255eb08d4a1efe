main()
{
	cat <<-'END'
	usage: ./dev COMMAND

	  demo [--stay]           run the shop in test-apps/ under Remora and show its trace
	  test [PATTERN]          everything that CI runs; with a pattern, only those end-to-end cases
	  test-releases [RELEASE] programs of Debian's releases in roots of their own (as root)
	  build [--asan|--tsan|--clang]
	                          build into build/ (or build-asan/, build-tsan/, build-clang/)
	  lint                    formatting, layers, lengths, shell scripts; warnings of two compilers
	  fuzz [--keep] [TARGET] [SECONDS]
	                          fuzz one parser, or each in turn (default: 60 seconds each); --keep: put the
	                          smallest inputs that were found into the tree
	  context [PATTERN]       count right, missing and wrong parents under load, runtime by runtime
	  mutate [PATTERN]        small mistakes put into the code, one at a time: does a test notice each?
	  torture [PATTERN]       what programs do to a preloaded object, with and without the agent
	  soak [MINUTES]          servers of many kinds at work, with the agent and without: does anything grow?
	  test-others [NAME]      other projects' own test suites, with and without the agent
	  test-grpc [--all] [PATTERN]
	                          implementations of gRPC and gRPC-Web call each other, with and without the agent
	  bench [--quick] [NAME]  what the agent costs, in alternating rounds with and without it;
	                          --peers: beside OpenTelemetry's agents; --micro: in instructions, call by call;
	                          --footprint: idle connections, many processes; --start: what short programs pay;
	                          --http2: spans of HTTP/2 servers under load, memory of 10,000 connections
	  help                    this text

	Each installs the Debian or Ubuntu packages it lacks (with sudo unless you are root) and never
	starts or enables a service.
	END
}
