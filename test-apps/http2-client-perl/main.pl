# main.pl URL COUNT...: fetches it COUNT times at once, for each COUNT, each in a stream of one connection (Protocol::HTTP2).
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::SSL;
use Protocol::HTTP2::Client;

my ($url, @counts) = @ARGV;
my ($scheme, $host, $port, $path) = $url =~ m{^(https?)://([^:/]+):(\d+)(/.*)$} or die "no URL: $url\n";
my %peer = (PeerAddr => $host, PeerPort => $port);
my $socket = $scheme eq 'https'
    ? IO::Socket::SSL->new(%peer, SSL_verify_mode => SSL_VERIFY_NONE, SSL_alpn_protocols => ['h2'])
    : IO::Socket::INET->new(%peer);
die "no connection: $!\n" unless $socket;

my $client = Protocol::HTTP2::Client->new(keepalive => 1, on_error => sub { die "error $_[0]\n" });
my %request = (':scheme' => $scheme, ':authority' => "$host:$port", ':path' => $path, ':method' => 'GET', headers => []);
for my $count (@counts) {
    my $left = $count;
    $client->request(%request, on_done => sub { print $_[1]; $left-- }) for 1 .. $count;
    while ($left > 0) {
        while (defined(my $frame = $client->next_frame)) {
            $socket->syswrite($frame);
        }
        $socket->sysread(my $bytes, 16384) or die "the server closed\n";
        $client->feed($bytes);
    }
}
$socket->close;
