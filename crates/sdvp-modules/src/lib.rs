//! What answers sub-tasks: students (large, general, to be taught), teachers (small, closed,
//! well-trained) behind adapters, and the shipped weights of both.

mod batch;
mod builtin;
mod checkpoint;
mod error;
mod published;
mod source;
mod student;
mod teacher;

pub use builtin::{BUILTIN, builtin_source};
pub use error::SetupError;
pub use published::{
    BlipAnswerer, BlipMatcher, Prompting, Qwen3VlAnswerer, prompted_module, published_module,
};
pub use source::ModelSource;
pub use student::{
    AnswerModel, AnswerStudent, BaseReference, LocateModel, LocateStudent, MatchModel,
    MatchStudent, ModuleAdapter, Student, StudentManifest, StudentModel, StudentNetwork,
    TrainMethod,
};
pub use teacher::{
    AnswerTeacher, ConvDetector, Detector, LocateTeacher, MatchTeacher, Meaning, Question,
    Sighting, Teacher, TeacherModel, Vocabulary, onnx,
};
