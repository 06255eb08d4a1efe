# Runs test files that are written for Test::Nginx::Socket, which Debian does not package: blocks of a
# configuration, requests, and what must come back and stand in the log. One nginx is started for each
# block. What a block asks for beyond that (a fake server, systemtap) skips it, by name. Output is TAP.
package Test::Nginx::Socket;
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Path qw(make_path remove_tree);
use File::Basename qw(dirname);
use IO::Socket::INET;
use IO::Select;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

my ($root, $port, @preprocessors, @pending, $count, $pid);
my %settings = (log_level => 'debug', master => 1, workers => 1, connections => 64, root => 1);
my %known = map { $_ => 1 } qw(config http_config main_config post_main_config request more_headers
	response_body response_body_like response_headers error_code error_log no_error_log user_files
	timeout wait ignore_response ignore_response_body abort log_level raw_request pipelined_requests
	must_die shutdown no_check_leak stap stap_out stap_out_like stap_out_unlike grep_error_log
	grep_error_log_out shutdown_error_log no_shutdown_error_log raw_response_headers_like
	raw_response_headers_unlike response_body_unlike error_code_like http_server skip_openssl);

sub free_port
{
	return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1)->sockport;
}

sub import
{
	my ($class, @arguments) = @_;
	my $caller = caller;
	if (@arguments && $arguments[0] eq 'skip_all') {
		print "1..0 # SKIP $arguments[1]\n";
		exit 0;
	}
	$root = "$ENV{TEST_NGINX_FOLDER}/servroot";
	$port = $ENV{TEST_NGINX_SERVER_PORT} = free_port();
	$ENV{"TEST_NGINX_RAND_PORT_$_"} = free_port() for 1, 2;
	my %exported = (
		log_level => sub { $settings{log_level} = $_[0] },
		workers => sub { $settings{workers} = $_[0] },
		worker_connections => sub { $settings{connections} = $_[0] },
		no_root_location => sub { $settings{root} = 0 },
		html_dir => sub { return "$root/html" },
		server_root => sub { return $root },
		server_port => sub { return $port },
		server_port_for_client => sub { return $port },
		repeat_each => sub { return 1 },
		blocks => sub { return 1 },
		add_block_preprocessor => sub { push @preprocessors, $_[0] },
		run_tests => sub { run_tests($caller) },
	);
	# Of what the package's plan counts we have no use, and each block starts an nginx of its own.
	$exported{$_} = sub { } for qw(plan no_shuffle no_long_string no_diff master_on env_to_nginx
		check_accum_error_log master_process_enabled);
	no strict 'refs';
	*{"${caller}::$_"} = $exported{$_} for keys %exported;
	strict->import;
	warnings->import;
}

# A block answers for its sections by methods, as the files' own preprocessors expect.
package Test::Nginx::Block {
	our $AUTOLOAD;
	sub set_value { my ($self, $name, $value) = @_; $self->{$name} = $value }
	sub DESTROY { }
	sub AUTOLOAD { my $self = shift; (my $name = $AUTOLOAD) =~ s/.*:://; return $self->{$name} }
}

sub section_value
{
	my ($package, $filters, $value) = @_;
	for my $filter (split ' ', $filters) {
		chomp $value if $filter eq 'chomp';
		chop $value if $filter eq 'chop';
		if ($filter eq 'eval') {
			# A scalar comes back as it is, lists of requests as references.
			my $result = eval "package $package; no strict; no warnings;\n$value";
			die "eval: $@" if $@;
			$value = $result;
		}
	}
	return $value;
}

sub parse
{
	my ($package, $text) = @_;
	my @blocks;
	for my $chunk (split /^(?==== )/m, $text) {
		next unless $chunk =~ s/^=== *(.*)\n//;
		my $block = bless { name => $1 }, 'Test::Nginx::Block';
		for my $section (split /^(?=--- )/m, $chunk) {
			next unless $section =~ s/^--- +(\w+)((?: +[\w]+)*) *(?::(.*))?\n?//;
			my ($name, $filters, $line) = ($1, $2, $3);
			$block->{skip} = 'its authors skip it', next if $name eq 'SKIP';
			next if $name eq 'ONLY' || $name eq 'LAST';
			$section =~ s/\n\s*\z/\n/ unless $filters =~ /eval/;
			$section = $line =~ s/^\s+|\s+$//gr if defined $line;
			$block->{$name} = eval { section_value($package, $filters, $section) };
			$block->{skip} = "a section that does not evaluate: $name" if $@;
		}
		push @blocks, $block;
	}
	return @blocks;
}

sub expand
{
	my ($block, $text) = @_;
	$text //= '';
	$text =~ s/\$(?:\{)?(TEST_NGINX_[A-Z_0-9]+)\}?/
		$ENV{$1} \/\/ do { $block->{skip} = "\$$1 is not here"; '' }/gex;
	return $text;
}

sub configuration
{
	my ($block) = @_;
	my ($main, $http, $server, $post) = map { expand($block, $block->{$_}) }
		qw(main_config http_config config post_main_config);
	# Nothing leaves this machine.
	$block->{skip} = 'it talks to another machine'
		if grep { !/^(127|0|255)\./ } "$main$http$server" =~ /(?<![\d.])(\d+\.\d+\.\d+\.\d+)(?![\d.])/g;
	my $user = $> == 0 ? "user root;\n" : '';
	my $level = $block->{log_level} // $settings{log_level};
	my $location = $settings{root} ? "location / { root $root/html; index index.html index.htm; }" : '';
	my $modules = join '', map { "load_module $_;\n" } split ' ', $ENV{TEST_NGINX_MODULES};
	my $temporary = join '', map { "${_}_temp_path $root/$_;\n" } qw(client_body proxy fastcgi uwsgi scgi);
	return <<"END";
${user}daemon off;
master_process on;
worker_processes $settings{workers};
pid $root/nginx.pid;
error_log $root/error.log $level;
$modules
$main
http {
	access_log $root/access.log;
	default_type text/plain;
	keepalive_timeout 68;
	$temporary
$http
	server {
		listen $port;
		server_name localhost;
		client_max_body_size 30M;
$server
		$location
	}
}
$post
events { worker_connections $settings{connections}; }
END
}

sub write_file
{
	my ($path, $text) = @_;
	make_path(dirname($path));
	open my $out, '>', $path or die "$path: $!";
	print $out $text;
	close $out;
}

sub read_file
{
	open my $in, '<', $_[0] or return '';
	local $/;
	return <$in> // '';
}

sub user_files
{
	my ($files) = @_;
	return unless defined $files;
	my @pairs = ref $files ? map { [@$_] } @$files : ();
	if (!ref $files) {
		for my $one (split /^(?=>>> )/m, $files) {
			push @pairs, [$1, $one] if $one =~ s/^>>> (\S+).*\n//;
		}
	}
	for (@pairs) {
		write_file("$root/html/$_->[0]" =~ s{/html/\.\./}{/}r, $_->[1]) unless $_->[0] =~ m{^/};
	}
}

# Starts nginx; returns whether it serves.
sub start
{
	$pid = fork // die "fork: $!";
	if ($pid == 0) {
		open STDOUT, '>', "$root/output";
		open STDERR, '>&', \*STDOUT;
		exec $ENV{TEST_NGINX_BINARY}, '-p', "$root/", '-c', "$root/conf/nginx.conf" or POSIX::_exit(127);
	}
	for (1 .. 3000) {
		return 1 if -s "$root/nginx.pid";  # written when the sockets listen
		return $pid = 0 if waitpid($pid, WNOHANG) == $pid;
		sleep 0.01;
	}
	return 1;
}

# Ends nginx. Returns how it ended: its wait status, or 'hangs'.
sub stop
{
	return 0 unless $pid;
	my $ended = '';
	for my $signal ('QUIT', 'TERM', 'KILL') {
		kill $signal, $pid;
		for (1 .. ($signal eq 'TERM' ? 1500 : 300)) {
			if (waitpid($pid, WNOHANG) == $pid) {
				$pid = 0;
				return $signal eq 'KILL' ? 'hangs' : $?;
			}
			sleep 0.01;
		}
	}
	return 'hangs';
}

sub request_text
{
	my ($block, $request, $more, $close) = @_;
	my ($line, $body) = split /\n/, $request, 2;
	$line =~ s/^\s+|\s+$//g;
	my ($method, $rest) = split ' ', $line, 2;
	($rest //= '/') =~ s/\s+(HTTP\/[\d.]+)$//;
	my $version = $1 // 'HTTP/1.1';
	my $head = "$method $rest $version\r\n";
	$more =~ s/\r?\n/\r\n/g;
	$more =~ s/^\r\n//mg;
	$more .= "\r\n" if length $more && $more !~ /\n\z/;
	$head .= "Host: localhost\r\n" unless $more =~ /^Host:/mi;
	$head .= 'Connection: ' . ($close ? 'close' : 'keep-alive') . "\r\n" unless $more =~ /^Connection:/mi;
	$head .= $more;
	if (defined $body && length $body) {
		$body =~ s/\s+\z//;
		$head .= 'Content-Length: ' . length($body) . "\r\n" unless $more =~ /^(Content-Length|Transfer-Encoding):/mi;
	}
	return "$head\r\n" . ($body // '');
}

# Everything that is to be sent: a list of [bytes of one connection, how many responses].
sub conversations
{
	my ($block) = @_;
	my $more = sub {
		my $headers = $block->{more_headers} // '';
		return ref $headers ? $headers->[$_[0]] // '' : $headers;
	};
	if (defined(my $raw = $block->{raw_request})) {
		return map { [ref $_ ? join('', @$_) : $_, 1] } ref $raw ? @$raw : $raw;
	}
	if (defined(my $requests = $block->{pipelined_requests})) {
		my $last = $#$requests;
		return [join('', map { request_text($block, $requests->[$_], $more->($_), $_ == $last) } 0 .. $last),
			$last + 1];
	}
	return () unless defined $block->{request};
	my @requests = ref $block->{request} ? @{$block->{request}} : ($block->{request});
	return map { [request_text($block, ref $requests[$_] ? join('', map { ref $_ ? $_->{value} : $_ } @{$requests[$_]})
		: $requests[$_], $more->($_), 1), 1] } 0 .. $#requests;
}

# Sends and reads to the end of the stream, or until nothing came for the block's time.
sub talk
{
	my ($block, $bytes) = @_;
	my $limit = $block->{timeout} // ($block->{abort} ? 0.2 : 8);
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or return '';
	my $answer = '';
	local $SIG{PIPE} = 'IGNORE';
	$socket->autoflush(1);
	print $socket $bytes;
	$socket->shutdown($block->{shutdown}) if defined $block->{shutdown} && length $block->{shutdown};
	my $select = IO::Select->new($socket);
	while ($select->can_read($limit)) {
		last unless sysread $socket, $answer, 65536, length $answer;
	}
	close $socket;
	return $answer;
}

sub unchunk
{
	my ($text) = @_;
	my $body = '';
	while ($$text =~ s/^([0-9a-fA-F]+)[^\n]*\r?\n//) {
		my $size = hex $1;
		last if $size == 0;
		$body .= substr $$text, 0, $size, '';
		$$text =~ s/^\r?\n//;
	}
	$$text =~ s/^\r?\n//;
	return $body;
}

# Cuts one response off the text: {code, head, headers, body}.
sub response
{
	my ($text) = @_;
	my %response = (code => '', head => '', headers => {}, body => '');
	if ($$text !~ s/^(HTTP\/\S+ (\d+).*?\r?\n)\r?\n//s) {
		$response{body} = $$text;
		$$text = '';
		return \%response;
	}
	@response{qw(head code)} = ($1, $2);
	while ($response{head} =~ /^([^:\s]+):[ \t]*(.*?)\r?$/mg) {
		my $name = lc $1;
		$response{headers}{$name} = defined $response{headers}{$name} ? "$response{headers}{$name}, $2" : $2;
	}
	if (($response{headers}{'transfer-encoding'} // '') =~ /chunked/) {
		$response{body} = unchunk($text);
	} else {
		my $length = $response{headers}{'content-length'} // length $$text;
		$response{body} = substr $$text, 0, $length, '';
	}
	return \%response;
}

# The prototype keeps a match that fails from being no argument at all.
sub verdict($$;$)
{
	my ($good, $what, $detail) = @_;
	push @pending, [$good, $what, $detail];
}

sub nth
{
	my ($value, $index) = @_;
	return ref $value eq 'ARRAY' ? $value->[$index] : $value;
}

sub check_response
{
	my ($block, $response, $index) = @_;
	my $code = nth($block->{error_code}, $index) // 200;
	verdict($response->{code} eq $code, 'status', "$response->{code} for $code")
		unless length $code == 0 || defined $block->{error_code_like} || $block->{raw_request} && !defined $block->{error_code};
	if (defined(my $want = nth($block->{response_body}, $index))) {
		$want = expand($block, $want);
		verdict($response->{body} eq $want, 'body', "got '$response->{body}'") unless exists $block->{ignore_response_body};
	}
	if (defined(my $like = nth($block->{response_body_like}, $index))) {
		$like = expand($block, $like) unless ref $like;
		$like =~ s/\n\z// unless ref $like;
		verdict($response->{body} =~ /$like/sm, 'body is like', "got '$response->{body}'");
	}
	if (defined(my $unlike = nth($block->{response_body_unlike}, $index))) {
		verdict($response->{body} !~ /$unlike/sm, 'body is unlike', "got '$response->{body}'");
	}
	if (defined(my $like = nth($block->{raw_response_headers_like}, $index))) {
		$like =~ s/\n\z// unless ref $like;
		verdict($response->{head} =~ /$like/sm, 'head is like', "got '$response->{head}'");
	}
	for my $line (split /\n/, expand($block, nth($block->{response_headers}, $index))) {
		my ($not, $name, $want) = $line =~ /^\s*(!?)\s*([^:\s]+):?\s*(.*?)\s*$/ or next;
		my $got = $response->{headers}{lc $name};
		verdict($not ? !defined $got : ($got // '') eq $want, "header $name", $got // 'none');
	}
}

sub lines
{
	my ($value) = @_;
	return () unless defined $value;
	return @$value if ref $value eq 'ARRAY';
	return $value if ref $value;
	return grep { length } split /\n/, $value;
}

sub check_log
{
	my ($block) = @_;
	my $log = read_file("$root/error.log");
	for (lines($block->{error_log})) {
		my $pattern = ref $_ ? $_ : quotemeta expand($block, $_);
		verdict($log =~ /$pattern/, "log has $_");
	}
	for (lines($block->{no_error_log})) {
		my $pattern = ref $_ ? $_ : quotemeta;
		verdict($log !~ /$pattern/, "log has not $_", join "\n", $log =~ /^(.*$pattern.*)$/mg);
	}
	verdict($log !~ /exited on signal|\[alert\] .*worker process/, 'no worker died', join "\n", $log =~ /^(.*exited on.*)$/mg);
}

# The block's own nginx, its requests, and all checks.
sub run_block
{
	my ($block) = @_;
	my $configuration = configuration($block);
	my ($unknown) = grep { !$known{$_} && !/^(name|skip.*)$/ } sort keys %$block;
	$block->{skip} //= "it needs '$unknown'" if $unknown;
	return if $block->{skip};

	remove_tree($root);
	make_path("$root/html", "$root/logs", "$root/conf");
	# Configurations name ../../cert, as seen from theirs.
	symlink getcwd() . '/t/cert', "$ENV{TEST_NGINX_FOLDER}/cert";
	write_file("$root/html/index.html",
		"<html><head><title>It works!</title></head><body>It works!</body></html>");
	user_files($block->{user_files});
	write_file("$root/conf/nginx.conf", $configuration);
	my $serves = start();
	if (exists $block->{must_die}) {
		verdict(!$serves, 'does not start');
	} elsif (!$serves) {
		verdict(0, 'starts', read_file("$root/output"));
	} else {
		my $index = 0;
		for my $conversation (conversations($block)) {
			my ($bytes, $responses) = @$conversation;
			my $answer = talk($block, expand($block, $bytes));
			next if exists $block->{ignore_response};
			check_response($block, response(\$answer), $index++) for 1 .. $responses;
		}
		sleep $block->{wait} if $block->{wait};
	}
	my $ended = stop();
	verdict($ended eq '0', 'ends well', $ended);
	check_log($block);
}

sub report
{
	my ($title, $skip) = @_;
	if ($skip || !@pending) {
		printf "ok %d - %s # SKIP %s\n", ++$count, $title, $skip // 'nothing to check';
		return;
	}
	for (@pending) {
		my ($good, $what, $detail) = @$_;
		$what =~ s/[\n#]+/ /g;
		$what =~ s/:\d{4,5}\b/:PORT/g;  # one of another number the next time
		printf "%sok %d - %s: %s\n", $good ? '' : 'not ', ++$count, $title, $what;
		print map { "# $_\n" } split /\n/, substr $detail // '', 0, 2000 unless $good;
	}
}

sub run_tests
{
	my ($package) = @_;
	my $data = do { no strict 'refs'; local $/; readline *{"${package}::DATA"} };
	$| = 1;
	for my $block (parse($package, $data)) {
		$_->($block) for @preprocessors;
		@pending = ();
		run_block($block);
		report($block->{name} =~ s/\s*#.*//r, $block->{skip});
	}
	print "1..$count\n";
	remove_tree($root);
}

END { kill 'KILL', $pid if $pid }

1;
