CREATE TABLE "setting" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(64) NOT NULL,
    "value" TEXT NOT NULL
);
CREATE UNIQUE INDEX "setting_name"
    ON "setting" ("name");
INSERT INTO "setting" ("name", "value") VALUES ('identity', lower(hex(randomblob(16))));
ALTER TABLE "requester" ADD COLUMN "settings" TEXT NOT NULL DEFAULT '{}';
ALTER TABLE "task_run" ADD COLUMN "max_spend" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "task_run" ADD COLUMN "unit_cost" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "task_run" ADD COLUMN "places" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "task_run" ADD COLUMN "next_place" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "review" ADD COLUMN "settled_at" INTEGER;
ALTER TABLE "payment" ADD COLUMN "fee" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "payment" ADD COLUMN "error" TEXT NOT NULL DEFAULT '';
ALTER TABLE "outbox" ADD COLUMN "requester_id" INTEGER REFERENCES "requester" ("id");
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
