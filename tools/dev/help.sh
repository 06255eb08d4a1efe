main()
{
	cat <<-'END'
	usage: ./dev COMMAND

	  demo [--stay]           run the shop in test-apps/ under Remora and show its trace
	  test [PATTERN]          everything that CI runs; with a pattern, only those end-to-end cases
	  build [--asan|--tsan|--clang]
	                          build into build/ (or build-asan/, build-tsan/, build-clang/)
	  lint                    formatting, layers, lengths, shell scripts; warnings of two compilers
	  fuzz [TARGET] [SECONDS] fuzz one parser, or each in turn (default: 60 seconds each)
	  bench [--quick] [NAME]  what the agent costs, in alternating rounds with and without it
	  help                    this text

	Each installs the Debian or Ubuntu packages it lacks (with sudo unless you are root) and never
	starts or enables a service.
	END
}
