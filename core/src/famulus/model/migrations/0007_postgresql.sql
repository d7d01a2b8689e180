ALTER TABLE "outbox" ADD COLUMN "claimed_until" BIGINT;
ALTER TABLE "outbox" ADD COLUMN "claimed_by" VARCHAR(255) NOT NULL DEFAULT '';
ALTER TABLE "outbox" ALTER COLUMN "claimed_by" DROP DEFAULT;
CREATE INDEX "outbox_of_run"
    ON "outbox" ("run_id", "kind");
