# A PSGI application for Twiggy: an event loop, calls by AnyEvent::HTTP over connections that all requests share.
use strict;
use warnings;
use AnyEvent;
use AnyEvent::HTTP;

$AnyEvent::HTTP::MAX_PER_HOST = 16;

sub call_next {
	my ($number, $turn, $count, $done) = @_;
	return $done->() if $turn == $count;
	my $timer;
	$timer = AnyEvent->timer(after => rand(0.005), cb => sub {
		undef $timer;
		http_get("$ENV{FAR}/call/$number/$turn", persistent => 1, sub { call_next($number, $turn + 1, $count, $done) });
	});
}

sub {
	my ($env) = @_;
	my (undef, undef, $number) = split m{/}, $env->{PATH_INFO};
	return sub {
		my ($respond) = @_;
		call_next($number, 0, 1 + int(rand(3)), sub {
			$respond->([200, ['Content-Type' => 'text/plain', 'Content-Length' => 5], ["near\n"]]);
		});
	};
};
