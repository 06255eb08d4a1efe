# The same as Test::Nginx::Socket.
package Test::Nginx::Socket::Lua;
use Test::Nginx::Socket ();
sub import { shift; unshift @_, 'Test::Nginx::Socket'; goto &Test::Nginx::Socket::import }
1;
