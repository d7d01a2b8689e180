ALTER TABLE "outbox" ADD COLUMN "claimed_until" INTEGER;
ALTER TABLE "outbox" ADD COLUMN "claimed_by" VARCHAR(255) NOT NULL DEFAULT '';
CREATE INDEX "outbox_of_run"
    ON "outbox" ("run_id", "kind");
