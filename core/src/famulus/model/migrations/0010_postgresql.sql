CREATE INDEX "outbox_failed"
    ON "outbox" ("run_id")
    WHERE ("status" = 'failed');
