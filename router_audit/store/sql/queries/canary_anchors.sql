SELECT judge, check_number, item, passed FROM canary_anchors ORDER BY judge, check_number, item;
