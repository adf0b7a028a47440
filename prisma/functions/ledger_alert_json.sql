-- An alert row as JSON. Money is text, so that no reader makes floats of it.
CREATE OR REPLACE FUNCTION ledger_alert_json(alert "Alert") RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'id', alert."id", 'kind', alert."kind", 'message', alert."message", 'userId', alert."userId",
    'runId', alert."runId", 'cost', trim_scale(alert."cost")::text,
    'threshold', trim_scale(alert."threshold")::text, 'createdAt', alert."createdAt")
$$;
