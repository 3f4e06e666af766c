-- Whether every record tells a call of its own, all of them asked for and none stored.
SELECT coalesce(bool_and(selected AND NOT stored AND single), true) FROM calls;
