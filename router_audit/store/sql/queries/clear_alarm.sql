UPDATE canary_alarms SET cleared = $why
WHERE route = $route AND cleared IS NULL AND ($model::VARCHAR IS NULL OR model = $model::VARCHAR);
