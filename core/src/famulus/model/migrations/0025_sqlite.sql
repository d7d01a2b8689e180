UPDATE "agent" SET "assignment_id" = NULL WHERE "status" = 'returned';
INSERT INTO "event" ("run_id", "at", "subject", "subject_id", "old", "new", "cause", "count", "xact")
SELECT "run_id", CAST(strftime('%s', 'now') AS INTEGER) * 1000000, 'unit', "id", 'assigned',
    'expired', 'run finished', 1, 0
FROM "unit"
WHERE "status" = 'assigned' AND NOT EXISTS (
    SELECT 1 FROM "agent" WHERE "agent"."id" = "unit"."agent_id" AND "agent"."status" = 'in_task');
UPDATE "unit" SET "status" = 'expired', "agent_id" = NULL
WHERE "status" = 'assigned' AND NOT EXISTS (
    SELECT 1 FROM "agent" WHERE "agent"."id" = "unit"."agent_id" AND "agent"."status" = 'in_task');
DROP INDEX "unit_status";
CREATE INDEX "unit_ended"
    ON "unit" ("run_id", "status")
    WHERE ((((("status" = 'completed') OR ("status" = 'accepted')) OR ("status" = 'soft_rejected')) OR ("status" = 'rejected')) OR ("status" = 'expired'));
DROP INDEX "visit_status";
DROP INDEX "visit_reference";
CREATE INDEX "visit_of_worker"
    ON "visit" ("worker_id", "run_id", "reference");
CREATE INDEX "visit_ended"
    ON "visit" ("run_id", "status")
    WHERE ((((((((("status" = 'returned') OR ("status" = 'timed_out')) OR ("status" = 'screened_out')) OR ("status" = 'submitted')) OR ("status" = 'approved')) OR ("status" = 'partly_approved')) OR ("status" = 'rejected')) OR ("status" = 'expired')) OR ("status" = 'unknown'));
DROP INDEX "agent_once_an_assignment";
CREATE UNIQUE INDEX "agent_once_an_assignment"
    ON "agent" ("worker_id", "run_id", "assignment_id");
DROP INDEX "agent_holds_unit";
CREATE UNIQUE INDEX "agent_holds_unit"
    ON "agent" ("run_id", "unit_id")
    WHERE ("status" = 'in_task');
DROP INDEX "agent_deadline";
DROP INDEX "agent_of_unit";
DROP INDEX "agent_of_worker";
DROP INDEX "event_of_run";
CREATE INDEX "event_rare"
    ON "event" ("run_id")
    WHERE ("subject" NOT IN ('visit', 'agent', 'unit', 'work'));
