ALTER TABLE "task_run" ADD COLUMN "handle" TEXT;
