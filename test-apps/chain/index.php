<?php
// The end of the chain.
usleep(random_int(0, 2000));
header("Content-Length: 4");
echo "end\n";
