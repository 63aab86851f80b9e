drop policy request_note on event;
