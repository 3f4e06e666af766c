DELETE FROM selections;
