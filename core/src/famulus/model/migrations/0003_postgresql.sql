ALTER TABLE "task_run" ADD COLUMN "lease_process" VARCHAR(255) NOT NULL DEFAULT '';
ALTER TABLE "task_run" ALTER COLUMN "lease_process" DROP DEFAULT;
