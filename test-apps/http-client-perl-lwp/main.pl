# main.pl URL COUNT: fetches it with LWP over a kept-alive connection.
use strict;
use warnings;
use LWP::UserAgent;

my ($url, $count) = @ARGV;
my $agent = LWP::UserAgent->new(keep_alive => 1);
print $agent->get($url)->decoded_content for 1 .. $count;
