SELECT place FROM odd WHERE first_place BETWEEN $first AND $last ORDER BY place;
