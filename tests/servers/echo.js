// An echo server on Node's net.
require('net').createServer((socket) => {
  socket.on('data', (data) => socket.write(data));
  socket.on('error', () => {});
}).listen(0, '127.0.0.1');
