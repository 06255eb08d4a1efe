/* The exporters of this build; written by meson from the list in exporters/meson.build. */
#ifndef RM_EXPORTERS_REGISTRY_H
#define RM_EXPORTERS_REGISTRY_H

#include "agent/exporter.h"

/* All of them, NULL at the end. Context: any; constant. */
extern const struct rm_exporter *const rm_exporters[];

#endif
