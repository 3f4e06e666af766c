RESET threads;
