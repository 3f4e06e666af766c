DELETE FROM requests WHERE rowid > $before;
