# A PSGI application: calls by LWP over kept connections.
use strict;
use warnings;
use LWP::UserAgent;
use Time::HiRes qw(sleep);

my $agent;
my $owner = 0;

sub {
	my ($env) = @_;
	my (undef, undef, $number) = split m{/}, $env->{PATH_INFO};
	($agent, $owner) = (LWP::UserAgent->new(keep_alive => 4), $$) if $owner != $$;
	for my $turn (0 .. int(rand(3))) {
		sleep(rand(0.005));
		my $answer = $agent->get("$ENV{FAR}/call/$number/$turn");
		die $answer->status_line unless $answer->is_success;
	}
	return [200, ['Content-Type' => 'text/plain', 'Content-Length' => 5], ["near\n"]];
};
