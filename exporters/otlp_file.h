/* The file that the settings name for OTLP. Context: worker. */
#ifndef RM_EXPORTERS_OTLP_FILE_H
#define RM_EXPORTERS_OTLP_FILE_H

#include "agent/telemetry.h"
#include "exporters/line_file.h"

/*
 * Makes the file of a signal from OTEL_EXPORTER_OTLP_[TRACES_|LOGS_]FILE and REMORA_OTLP_FILE_*. Ownership:
 * rm_line_file_free. Errors: RM_E_INVALID, none is named that can be used, which was said; RM_E_NOMEM.
 */
int rm_otlp_file(const struct rm_env *env, enum rm_signal signal, struct rm_line_file **ret);

#endif
