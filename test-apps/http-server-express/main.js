// An application of Express: one route, and the body parser in front of it.
const express = require('express');

const app = express();

app.use(express.json());
app.get('/hello', (request, response) => response.type('text/plain').send('hello\n'));
app.listen(Number(process.argv[2]), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
