# Mojolicious: an event loop; calls by its own client, one after the other (fan) or blocking (blocking).
use Mojolicious::Lite -signatures;
use Mojo::IOLoop;
use Time::HiRes qw(sleep);

app->log->level('fatal');

sub call_next ($c, $number, $turn, $count) {
	return $c->render(text => "near\n") if $turn == $count;
	Mojo::IOLoop->timer(rand(0.005), sub ($loop) {
		$c->ua->get("$ENV{FAR}/call/$number/$turn" => sub ($ua, $tx) { call_next($c, $number, $turn + 1, $count) });
	});
}

get '/fan/:number' => sub ($c) {
	$c->render_later;
	call_next($c, $c->param('number'), 0, 1 + int(rand(3)));
};

get '/blocking/:number' => sub ($c) {
	for my $turn (0 .. int(rand(3))) {
		sleep(rand(0.005));
		$c->ua->get("$ENV{FAR}/call/" . $c->param('number') . "/$turn");
	}
	$c->render(text => "near\n");
};

app->start;
