CREATE TABLE "setting" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(64) NOT NULL,
    "value" TEXT NOT NULL
);
CREATE UNIQUE INDEX "setting_name"
    ON "setting" ("name");
INSERT INTO "setting" ("name", "value") VALUES ('identity', replace(gen_random_uuid()::text, '-', ''));
ALTER TABLE "requester" ADD COLUMN "settings" TEXT NOT NULL DEFAULT '{}';
ALTER TABLE "requester" ALTER COLUMN "settings" DROP DEFAULT;
ALTER TABLE "task_run" ADD COLUMN "max_spend" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "task_run" ALTER COLUMN "max_spend" DROP DEFAULT;
ALTER TABLE "task_run" ADD COLUMN "unit_cost" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "task_run" ALTER COLUMN "unit_cost" DROP DEFAULT;
ALTER TABLE "task_run" ADD COLUMN "places" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "task_run" ALTER COLUMN "places" DROP DEFAULT;
ALTER TABLE "task_run" ADD COLUMN "next_place" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "task_run" ALTER COLUMN "next_place" DROP DEFAULT;
ALTER TABLE "review" ADD COLUMN "settled_at" BIGINT;
ALTER TABLE "payment" ADD COLUMN "fee" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "payment" ALTER COLUMN "fee" DROP DEFAULT;
ALTER TABLE "payment" ADD COLUMN "error" TEXT NOT NULL DEFAULT '';
ALTER TABLE "payment" ALTER COLUMN "error" DROP DEFAULT;
ALTER TABLE "outbox" ADD COLUMN "requester_id" BIGINT REFERENCES "requester" ("id");
CREATE INDEX "visit_status"
    ON "visit" ("run_id", "status");
CREATE INDEX "review_unsettled"
    ON "review" ("unit_id")
    WHERE (("settled_at" IS NULL) AND ("undone_at" IS NULL));
CREATE INDEX "payment_of_unit"
    ON "payment" ("unit_id");
CREATE INDEX "payment_unsettled"
    ON "payment" ("run_id")
    WHERE ("status" IN ('planned', 'sent', 'unknown'));
CREATE UNIQUE INDEX "event_refused"
    ON "event" ("run_id", "subject_id", "cause")
    WHERE ("new" = 'refused');
