// Tracing with Microsoft's WPP preprocessor, compiled to nothing: what a generated .tmh file would define.
#ifndef NEPTUNE_WPP_H
#define NEPTUNE_WPP_H
#define WPP_INIT_TRACING(...) ((void)0)
#define WPP_CLEANUP(...) ((void)0)
#define WPP_SYSTEMCONTROL(...) ((void)0)
#define WPP_SYSTEMCONTROL2(...) ((void)0)
#define WPP_LEVEL_ENABLED(...) (0)
#define WPP_FLAGS_ENABLED(...) (0)
#define WPP_RECORDER_INITIALIZED (0)
#define RECORDER_CONFIGURE_PARAMS_INIT(...) ((void)0)
#define DoTraceMessage(...) ((void)0)
#define DoTraceLevelMessage(...) ((void)0)
#define DoDebugTrace(...) ((void)0)
#ifndef TraceEvents
#define TraceEvents(...) ((void)0)
#endif
#ifndef TracePrint
#define TracePrint(...) ((void)0)
#endif
#ifndef WPP_CONTROL_GUIDS
#define WPP_CONTROL_GUIDS
#endif
#endif
