DELETE FROM requests WHERE request_id IN (SELECT call_id FROM calls WHERE selected AND improves);
